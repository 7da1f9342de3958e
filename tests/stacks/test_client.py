"""The CloudFormation client: what it deploys, what it waits for, and what it says about a failure."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.stacks import client as module
from blueprints.stacks.client import Stacks, Wait
from blueprints.stacks.events import deployment_failures
from blueprints.stacks.logs import described_errors, logged_errors
from blueprints.stacks.stack import tags_of


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture
def stacks(cloud):
    return Stacks(cloud.client)


@pytest.fixture
def name():
    return f"notes-{uuid.uuid4().hex[:8]}"


def template(value="one", **more):
    """A template with the parameter of Systems Manager `Word`, and its name as output."""
    word = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    return json.dumps({"Resources": {"Word": word, **more}, "Outputs": {"Word": {"Value": {"Ref": "Word"}}}})


def taken(cloud, name):
    """A resource that cannot be created, as its name is taken."""
    cloud.client("ssm").put_parameter(Name=name, Value="by another", Type="String", Overwrite=True)
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x", "Name": name}}


def test_a_stack_is_created_then_updated_then_left_as_it_is(cloud, stacks, name):
    ssm = cloud.client("ssm")
    made = stacks.deploy(name, template("one"), tags={"made-by": "test"})
    assert ssm.get_parameter(Name=made.outputs["Word"])["Parameter"]["Value"] == "one"
    assert [(each.logical_id, each.type) for each in made.resources] == [("Word", "AWS::SSM::Parameter")]
    assert tags_of(stacks.find(name)) == {"made-by": "test"}

    stacks.deploy(name, template("two"))
    assert ssm.get_parameter(Name=made.outputs["Word"])["Parameter"]["Value"] == "two"

    again = stacks.deploy(name, template("two"))
    assert again == stacks.describe(name)
    assert again.outputs == made.outputs


def test_creating_a_stack_that_exists_changes_nothing(cloud, stacks, name):
    made = stacks.create(name, template("one"))

    with pytest.raises(BlueprintError, match=rf"{name}: CreateStack failed: .*\[AlreadyExistsException\]"):
        stacks.create(name, template("two"))

    assert cloud.client("ssm").get_parameter(Name=made.outputs["Word"])["Parameter"]["Value"] == "one"


def test_a_failed_update_names_its_own_failures_and_not_those_of_earlier_updates(cloud, stacks, name):
    stacks.deploy(name, template())
    with pytest.raises(BlueprintError, match=r"First \(AWS::SSM::Parameter\): .*already exists"):
        stacks.deploy(name, template(First=taken(cloud, f"{name}-first")))

    with pytest.raises(BlueprintError, match=r"Second \(AWS::SSM::Parameter\): .*already exists") as failed:
        stacks.deploy(name, template(Second=taken(cloud, f"{name}-second")))

    assert str(failed.value).startswith(f"{name}: The stack was not deployed (UPDATE_ROLLBACK_COMPLETE):\n  Second")
    assert "First" not in str(failed.value)


class Events:
    """Answers DescribeStackEvents as AWS does: newest first, the events of nested stacks under their own ids."""

    PARENT, NESTED = "arn:aws:cloudformation:eu-west-1:1:stack/notes/1", "arn:aws:cloudformation:eu-west-1:1:stack/in/2"

    def __init__(self):
        self.answers = {
            self.PARENT: [
                self.event("Nested", self.PARENT, "CREATE_FAILED", self.NESTED, "Embedded stack was not created"),
                self.event("Other", self.PARENT, "CREATE_FAILED", "", "Resource creation cancelled"),
                self.event("notes", self.PARENT, "CREATE_IN_PROGRESS", self.PARENT),
            ],
            self.NESTED: [
                self.event("Word", self.NESTED, "DELETE_COMPLETE", ""),
                self.event("in", self.NESTED, "DELETE_IN_PROGRESS", self.NESTED),
                self.event("Word", self.NESTED, "CREATE_FAILED", "", "the name is taken"),
                self.event("in", self.NESTED, "CREATE_IN_PROGRESS", self.NESTED),
            ],
        }

    @staticmethod
    def event(logical_id, stack, status, physical_id, reason=None):
        nested = physical_id.startswith("arn:")
        return {
            "StackId": stack,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": physical_id,
            "ResourceType": "AWS::CloudFormation::Stack" if nested else "AWS::SSM::Parameter",
            "ResourceStatus": status,
            **({"ResourceStatusReason": reason} if reason else {}),
        }

    def get_paginator(self, operation):
        assert operation == "describe_stack_events"
        return self

    def paginate(self, StackName):
        return [{"StackEvents": [event]} for event in self.answers[StackName]]


def test_a_failure_in_a_nested_stack_is_named_also_after_the_nested_stack_was_rolled_back():
    assert deployment_failures(Events(), Events.PARENT) == [
        "Nested (AWS::CloudFormation::Stack): Embedded stack was not created",
        "Word (AWS::SSM::Parameter): the name is taken",
    ]


def test_a_failure_of_the_stack_itself_is_named_if_no_resource_failed():
    events = Events()
    reason = "Output Url: the attribute does not exist"
    failed = [events.event("notes", events.PARENT, "CREATE_FAILED", events.PARENT, reason)]
    events.answers[events.PARENT] = [*failed, *events.answers[events.PARENT][-1:]]
    assert deployment_failures(events, events.PARENT) == [reason]


def test_a_refused_template_is_reported_with_the_stack_and_the_reason(stacks, name):
    wordy = json.dumps({"Description": "x" * 2000, **json.loads(template())})

    with pytest.raises(BlueprintError, match=f"{name}: CloudFormation refused to create the stack: .*description"):
        stacks.deploy(name, wordy)


def test_a_stack_that_does_not_exist_is_named(stacks):
    with pytest.raises(BlueprintError, match="There is no stack gone in us-east-1 of this account"):
        stacks.describe("gone")
    assert stacks.find("gone") is None


def test_a_template_too_large_for_a_request_is_uploaded_or_refused(cloud, stacks, name):
    large = json.dumps({"Metadata": {"Words": "x" * 60_000}, **json.loads(template("large"))})
    with pytest.raises(BlueprintError, match=r"has 60,\d{3} bytes, and CloudFormation accepts 51,200"):
        stacks.deploy(name, large)

    def upload(text):
        cloud.client("s3").create_bucket(Bucket=name)
        cloud.client("s3").put_object(Bucket=name, Key="template", Body=text.encode())
        return f"{cloud.endpoint}/{name}/template"

    made = Stacks(cloud.client, upload=upload).deploy(name, large)
    assert cloud.client("ssm").get_parameter(Name=made.outputs["Word"])["Parameter"]["Value"] == "large"


def test_waiting_ends_and_says_what_is_still_in_progress(cloud, stacks, name, monkeypatch):
    """A wait condition without a signal is in progress for its whole timeout."""
    monkeypatch.setattr(module, "_EMBEDDED", Wait(interval=0.05, timeout=0.3))
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    signal = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
    }

    with pytest.raises(
        BlueprintError, match=r"is still CREATE_IN_PROGRESS after 0.3 seconds: waiting for Signal \(AWS"
    ):
        stacks.create(name, template(Handle=handle, Signal=signal))

    cloud.client("cloudformation").delete_stack(StackName=name)


def test_an_account_is_polled_less_often_and_waited_for_longer(cloud, monkeypatch):
    """Polling every 50 ms would meet the rate limit of an account's API."""
    here = Stacks(cloud.client)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    import boto3

    account = Stacks(lambda service: boto3.client(service, "eu-west-1"))

    assert here._wait == Wait(interval=0.05, timeout=120)
    assert account._wait == Wait(interval=5, timeout=3600)


class Logs:
    """The function `Writer`, its log group, and what CloudWatch Logs answers."""

    def __init__(self, messages, refusal=None):
        self.messages, self.refusal, self.asked = messages, refusal, {}

    def __call__(self, service):
        return self

    def get_function_configuration(self, FunctionName):
        return {"LoggingConfig": {"LogGroup": f"/aws/lambda/{FunctionName}"}}

    def get_paginator(self, operation):
        return self

    def paginate(self, **asked):
        self.asked = asked
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "FilterLogEvents")
        return [{"events": [{"message": message} for message in self.messages]}]


WRITER = module.Stack("notes", {}, (module.Resource("Writer", "notes-Writer-1", "AWS::Lambda::Function"),))


def test_each_logged_error_is_reported_once():
    line = '{"level": "ERROR", "message": "no such note"}'
    logs = Logs([line, "START RequestId: 1", line, "[ERROR] KeyError: 'Name'\n  Traceback"])

    assert logged_errors(logs, WRITER) == {"Writer": ["no such note", "KeyError: 'Name'"]}
    assert described_errors(logs, WRITER).splitlines()[1:] == [
        "    Writer: no such note",
        "    Writer: KeyError: 'Name'",
    ]


def test_only_logs_since_a_given_time_are_read():
    logs, now = Logs([]), time.time()

    logged_errors(logs, WRITER, since=now)

    assert logs.asked == {"logGroupName": "/aws/lambda/notes-Writer-1", "startTime": int(now * 1000)}


def test_a_function_that_never_ran_has_no_errors():
    assert logged_errors(Logs([], refusal="ResourceNotFoundException"), WRITER) == {}


def test_logs_that_may_not_be_read_are_reported_as_such():
    """An empty list would say that there were no errors."""
    logs = Logs([], refusal="AccessDeniedException")

    with pytest.raises(ClientError):
        logged_errors(logs, WRITER)
    assert "could not be read" in described_errors(logs, WRITER)
    assert "AccessDeniedException" in described_errors(logs, WRITER)
