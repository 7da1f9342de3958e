"""The logs of requests: what each level holds, without payloads if wished, in the role of the API."""

import json

import pytest

from tests.local.appsync.graphql_apis import Api, api_id, deploy_api, resolver, source_role
from tests.local.appsync.realtime.web_socket import web_socket
from tests.local.waiting import until

SCHEMA = """
type Query { echo(text: String!): String  fail: String  said: String }
type Mutation { say(text: String!): String }
type Subscription { onSaid: String @aws_subscribe(mutations: ["say"]) }
"""
SOURCE = """
def handler(event, context):
    if event["info"]["fieldName"] == "fail":
        raise ValueError("no luck")
    return event["arguments"]["text"]
"""
SAID = """
export function request(ctx) { console.log('a note'); console.error('a complaint'); return { payload: 'said' }; }
export function response(ctx) { return ctx.result; }
"""
SECRET = "a-secret-text"
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


def deployed(cloud, level: str, *, verbose: bool = False, role: dict | None = None) -> Api:
    logging = {
        "CloudWatchLogsRoleArn": {"Fn::GetAtt": ["LogRole", "Arn"]},
        "FieldLogLevel": level,
        "ExcludeVerboseContent": not verbose,
    }
    nothing = {"ApiId": api_id(), "Name": "Nothing", "Type": "NONE"}
    return deploy_api(
        cloud,
        SCHEMA,
        SOURCE,
        {"LogConfig": logging},
        LogRole=role or source_role(*LOGS),
        Nothing={"Type": "AWS::AppSync::DataSource", "Properties": nothing},
        Echo=resolver("Query", "echo"),
        Fail=resolver("Query", "fail"),
        Said={**resolver("Query", "said", "Nothing", Code=SAID), "DependsOn": ["Schema", "Nothing"]},
        OnSaid={**resolver("Subscription", "onSaid", "Nothing", Code=SAID), "DependsOn": ["Schema", "Nothing"]},
    )


def logged(api: Api) -> list[str]:
    """The lines of one request with three fields, once they are written."""
    request_id = api.ask("query ($text: String!) { echo(text: $text) fail said }", text=SECRET).headers[
        "x-amzn-requestid"
    ]
    found = written(api)
    assert all(each.startswith(f"{request_id} ") for each in found)
    return [each.removeprefix(f"{request_id} ") for each in found]


def written(api: Api) -> list[str]:
    """The lines in the API's log group, up to the end of a request."""
    client = api.cloud.client("logs")

    def lines() -> list[str]:
        try:
            events = client.filter_log_events(logGroupName=f"/aws/appsync/apis/{api.api_id}")["events"]
        except client.exceptions.ResourceNotFoundException:
            return []
        return [each["message"] for each in events]

    return until(lambda: (found := lines()) and "End Request" in found[-1] and found)


def structured(lines: list[str]) -> list[dict]:
    return [json.loads(each) for each in lines if each.startswith("{")]


@pytest.mark.parametrize(
    ("level", "fields", "said"),
    [
        ("NONE", [], []),
        ("ERROR", [("ResponseMapping", "fail")], ["a complaint"]),
        ("INFO", [("ResponseMapping", "fail")], ["a note", "a complaint"]),
        (
            "ALL",
            [("Tracing", "echo"), ("Tracing", "fail"), ("Tracing", "said"), ("ResponseMapping", "fail")],
            ["a note", "a complaint"],
        ),
    ],
)
def test_each_level_holds_its_fields_and_no_payload(cloud, level, fields, said):
    lines = logged(deployed(cloud, level))

    described = structured(lines)
    assert sorted((each["logType"], each["fieldName"]) for each in described if "fieldName" in each) == sorted(fields)
    summary = described[-1]
    assert (summary["logType"], summary["statusCode"]) == ("RequestSummary", 200)
    assert summary["latency"] > 0
    assert [text for text in ("a note", "a complaint") if any(text in each for each in lines)] == said
    assert SECRET not in "\n".join(lines)


def test_verbose_content_holds_the_query_the_variables_and_headers_without_credentials(cloud):
    api = deployed(cloud, "NONE", verbose=True)
    text = "\n".join(logged(api))

    assert "GraphQL Query: query ($text: String!)" in text
    assert SECRET in text
    assert "content-type=[application/json]" in text
    assert api.key not in text


def test_the_start_of_a_subscription_is_logged_with_its_resolver(cloud):
    api = deployed(cloud, "ALL")
    with web_socket(cloud, api.api_id, {"host": "localhost", "x-api-key": api.key}) as socket:
        assert socket.hear()["type"] == "connection_ack"
        socket.start("1", "subscription { onSaid }")
        assert socket.hear()["type"] == "start_ack"

    text = "\n".join(written(api))
    assert "a note" in text
    assert '"logType": "Tracing"' in text
    assert '"fieldName": "onSaid"' in text
    assert '"statusCode": 200' in text


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        (source_role(*LOGS, service="lambda.amazonaws.com"), "is not authorized to perform: sts:AssumeRole"),
        (source_role("logs:CreateLogGroup"), "is not authorized to perform logs:CreateLogStream"),
    ],
)
def test_a_role_that_may_not_log_leaves_requests_unlogged_and_the_user_is_told_why(cloud, role, reason):
    api = deployed(cloud, "ALL", role=role)
    assert api.ask('{ echo(text: "a") }').data == {"echo": "a"}

    until(lambda: reason in cloud.server_log() and f"API {api.api_id} are not logged" in cloud.server_log())
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/appsync/apis/{api.api_id}")
    assert groups["logGroups"] == []
