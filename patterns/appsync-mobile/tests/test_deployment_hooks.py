"""What the deployment hooks report about a new version, with the real function behind Lambda's Invoke."""

import io
import json
from types import SimpleNamespace

import pytest
from template_facts import handler_of

DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
for function in ("ProbeNewVersion", "CheckLiveTraffic"):
    handler_of(function)  # fails with one line if the template has no such function


class Hooks:
    """Both hooks; `replace` changes answers of the function by field."""

    def __init__(self, load, context, dynamodb, monkeypatch):
        self.load, self.context, self.dynamodb, self.monkeypatch = load, context, dynamodb, monkeypatch
        self.resolving = load("ResolveFields")
        self.replace, self.reports, self.posted, self.status = {}, [], [], 200

    def run(self, function):
        from blueprints_shared import deployment_hooks

        report = SimpleNamespace(put_lifecycle_event_hook_execution_status=lambda **call: self.reports.append(call))
        clients = {"lambda": SimpleNamespace(invoke=self.invoke), "codedeploy": report}
        module = self.load(function, **clients)
        self.monkeypatch.setattr(deployment_hooks, "client", lambda service, **_: clients[service])
        if function == "CheckLiveTraffic":
            self.monkeypatch.setattr(module, "URLLib3Session", lambda timeout: SimpleNamespace(send=self.post))
        answer = module.handler(DEPLOYMENT, self.context)
        assert [call["status"] for call in self.reports] == [answer["status"]]
        assert self.dynamodb.scan(TableName="records")["Count"] == 0, "something of the probe is left"
        return answer

    def invoke(self, *, FunctionName, Payload):
        assert FunctionName in ("resolve:7", "resolve:live")
        event = json.loads(Payload)
        field = event["info"]["fieldName"]
        answer = self.replace[field] if field in self.replace else self.resolving.handler(event, self.context)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def post(self, request):
        assert "AWS4-HMAC-SHA256" in str(request.headers["Authorization"])
        self.posted.append(json.loads(request.body))
        identity = {"userArn": "arn:aws:sts::123456789012:assumed-role/hook/x"}
        info = {"parentTypeName": "Mutation", "fieldName": "addSystemNote"}
        event = {"arguments": self.posted[-1]["variables"], "identity": identity, "info": info}
        value = self.resolving.handler(event, self.context)["value"]
        body = self.replace.get("post", {"data": {"addSystemNote": value}})
        return SimpleNamespace(status_code=self.status, text=json.dumps(body))


@pytest.fixture
def hooks(load, context, dynamodb, monkeypatch):
    for name, value in {
        "NEW_VERSION": "resolve:7",
        "LIVE": "resolve:live",
        "GRAPHQL_URL": "https://api.example.com/graphql",
    }.items():
        monkeypatch.setenv(name, value)
    return Hooks(load, context, dynamodb, monkeypatch)


@pytest.mark.parametrize("function", ["ProbeNewVersion", "CheckLiveTraffic"])
def test_a_version_that_works_passes(function, hooks):
    assert hooks.run(function) == {"status": "Succeeded", "reported": True, "reason": None}


@pytest.mark.parametrize("strategy", ["automerge", "optimistic", "custom"])
def test_a_version_passes_with_each_strategy(strategy, load, context, dynamodb, monkeypatch, hooks):
    monkeypatch.setenv("CONFLICT_STRATEGY", strategy)
    hooks.resolving = load("ResolveFields")
    assert hooks.run("ProbeNewVersion")["status"] == "Succeeded"


@pytest.mark.parametrize(
    ("field", "answer", "reason"),
    [
        ("createNotebook", {"error": {"type": "NotAllowed"}}, "createNotebook was answered with"),
        ("createNote", {"value": {"_version": 2}}, "not of version 1"),
        ("updateNote", {"value": {"_version": 3}}, "did not lead to version 2"),
        ("getNote", {"value": {"title": "Probe"}}, "as it was before"),
        ("syncNotes", {"value": {"items": [1], "startedAt": 1}}, "has the deleted note"),
        ("deleteNote", {}, "deleteNote was answered with"),
    ],
)
def test_a_version_that_does_something_else_fails(field, answer, reason, hooks):
    hooks.replace[field] = answer
    result = hooks.run("ProbeNewVersion")
    assert result["status"] == "Failed"
    assert reason in result["reason"]


def test_a_version_that_changes_deleted_notes_fails(hooks, monkeypatch):
    hooks.replace["deleteNote"] = {"value": {}}  # so the note is still there
    result = hooks.run("ProbeNewVersion")
    assert (result["status"], "edit of a deleted note" in result["reason"]) == ("Failed", True)


def test_an_api_that_refuses_the_note_fails(hooks):
    hooks.status = 401
    assert "the API answered 401" in hooks.run("CheckLiveTraffic")["reason"]


def test_an_api_that_answers_with_errors_fails(hooks):
    hooks.replace["post"] = {"data": None, "errors": [{"errorType": "Unauthorized"}]}
    result = hooks.run("CheckLiveTraffic")
    assert result["status"] == "Failed"
    assert "Unauthorized" in result["reason"]


def test_a_live_note_that_was_not_kept_fails(hooks):
    hooks.replace["getNote"] = {"value": {"title": "Other"}}
    assert "not what was added" in hooks.run("CheckLiveTraffic")["reason"]
