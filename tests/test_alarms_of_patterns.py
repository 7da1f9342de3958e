"""Every alarm of every pattern rings when what it watches for happens, and is silent before.

The alarms are read from the templates; an alarm on a metric that is not in METRICS fails. What is quick happens for
real: functions fail and are throttled, events are lost, executions stop, messages wait. If it would have to go on for
minutes, it happens once, and the values of the other minutes are put. Other metrics are put, with dimensions that name
resources of the stack and that their service records: METRICS says which, and which test proves it.
"""

import json
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blueprints.local import bring_up as bring_up_module
from blueprints.local.alarms import alarms_of
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import discover, find
from blueprints.progress import Progress
from blueprints.template.reading import load
from tests.local.cloudwatch.reading import history, total
from tests.local.resources import arn
from tests.local.waiting import until

ROOT = Path(__file__).parents[1]
PATTERNS = discover()
# No alarm needs the database, so that there is none behind these names.
DATABASE = {
    "DatabaseClusterArn": arn("rds", "cluster:absent"),
    "SecretArn": arn("secretsmanager", "secret:absent-abcdef"),
}
# With these, the condition of every alarm holds.
PARAMETERS: dict[str, dict[str, str]] = {
    "auto-publish": {"TrialPolicyArn": ""},
    "dynamodb-stream-trigger": {**DATABASE, "WebhookSecretArn": arn("secretsmanager", "secret:webhook-abcdef")},
    "glue-data-lake": DATABASE,
    "kinesis-s3-stream": {"PoisonAlarmThreshold": "1"},
}
ALARM = "AWS::CloudWatch::Alarm"
SECONDS = 60
SCALE = 600


@dataclass(frozen=True)
class Watched:
    """A metric that an alarm watches."""

    stack: Any
    namespace: str
    name: str
    dimensions: dict[str, str]
    period: int
    periods: int
    threshold: float


@pytest.fixture(autouse=True)
def _without_spark(monkeypatch):
    """No job is run, so Spark is not needed."""
    monkeypatch.setattr(bring_up_module, "prepare_spark", lambda *_: None)


@pytest.fixture(scope="module")
def cloud():
    """An embedded AWS in which a minute takes a tenth of a second."""
    with Cloud(time_scale=SCALE) as running:
        yield running


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_every_alarm_of_a_pattern_rings_for_what_it_watches(cloud, pattern):
    stack = deployed(cloud, pattern)
    written = {name for name, each in load(pattern.template).resources.items() if each["Type"] == ALARM}
    alarms = {each.logical_id: each.physical_id for each in stack.of_type(ALARM)}
    assert set(alarms) == written, "PARAMETERS has to make every alarm's condition true"

    until(lambda: all(each.state == "OK" for each in alarms_of(cloud, stack)), SECONDS)
    assert [each for each in alarms_of(cloud, stack) if each.rang] == []
    for logical_id, name in alarms.items():
        (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        for watched in watched_by(stack, alarm):
            rings(cloud, logical_id, name, watched)


def deployed(cloud, pattern):
    progress = Progress()
    prepared = prepare(pattern, progress, {"Environment": "prod", **PARAMETERS.get(pattern.name, {})})
    return bring_up(cloud, prepared, progress)


def watched_by(stack, alarm):
    """The metric of an alarm, or each of those in its expression."""
    common = {"stack": stack, "periods": alarm["EvaluationPeriods"], "threshold": alarm["Threshold"]}
    stats = [each["MetricStat"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    for stat in stats or [{"Metric": alarm, "Period": alarm["Period"]}]:
        metric = stat["Metric"]
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        yield Watched(
            namespace=metric["Namespace"],
            name=metric["MetricName"],
            dimensions=dimensions,
            period=int(stat["Period"]),
            **common,
        )


def rings(cloud, logical_id, name, watched):
    """Let what is watched for happen until the alarm has rung once more."""
    key = watched.namespace, watched.name
    assert key in METRICS, f"{logical_id} watches {' '.join(key)}: add what makes it ring to METRICS"
    cause, recorded_dimensions, _ = METRICS[key]
    assert set(watched.dimensions) in recorded_dimensions, f"{logical_id} watches dimensions that are not recorded"
    with cause(cloud, watched) as happen:
        until(lambda: state(cloud, name) != "ALARM", SECONDS)
        before = history(cloud, name).count("ALARM")

        def rings_when(happens):
            happens()
            return history(cloud, name).count("ALARM") > before

        try:
            if cause is recorded or watched.periods == 1:
                until(lambda: rings_when(happen), SECONDS)
            else:
                until(lambda: happens(cloud, watched, happen), SECONDS)
                until(lambda: rings_when(partial(put_values, cloud, watched)), SECONDS)
        except AssertionError as error:
            pytest.fail(f"{logical_id} did not ring for {key} of {watched.dimensions}: {error}")


def happens(cloud, watched, happen):
    """Whether exactly the metric that the alarm watches has a value, after what it watches for has happened."""
    happen()
    return total(cloud, watched.name, watched.namespace, **watched.dimensions)


def state(cloud, name):
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm["StateValue"]


@contextmanager
def failing_function(cloud, watched):
    """Invoke the function, as its event source does, with an event that it cannot handle."""
    client, target = cloud.client("lambda"), invoked_arn(cloud, watched)

    def happen():
        answer = client.invoke(FunctionName=target, Payload=b'"no event"')
        assert answer.get("FunctionError"), f"{target} takes any event: {answer['Payload'].read()!r}"

    yield happen


@contextmanager
def throttled_function(cloud, watched):
    """Invoke the function while it has no concurrency."""
    client, target = cloud.client("lambda"), invoked_arn(cloud, watched)
    client.put_function_concurrency(FunctionName=watched.dimensions["FunctionName"], ReservedConcurrentExecutions=0)

    def happen():
        with suppress(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName=target)
            pytest.fail(f"{target} was invoked without concurrency")

    try:
        yield happen
    finally:
        client.delete_function_concurrency(FunctionName=watched.dimensions["FunctionName"])


def invoked_arn(cloud, watched):
    """The ARN by which events invoke the function: that of its alias."""
    (alias,) = cloud.client("lambda").list_aliases(FunctionName=watched.dimensions["FunctionName"])["Aliases"]
    return alias["AliasArn"]


@contextmanager
def rule_without_target(cloud, watched):
    """Let the rule send an event to a function that does not exist."""
    events, name = cloud.client("events"), watched.dimensions["RuleName"]
    source = f"alarms.{uuid.uuid4().hex[:8]}"
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    assert targets, f"the rule {name} has no target"
    events.remove_targets(Rule=name, Ids=[each["Id"] for each in targets])
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}), State="ENABLED")
    events.put_targets(Rule=name, Targets=[{"Id": "nowhere", "Arn": arn("lambda", "function:nowhere")}])
    yield lambda: events.put_events(Entries=[{"Source": source, "DetailType": "test", "Detail": "{}"}])


@contextmanager
def waiting_message(cloud, watched):
    """Send a message to the queue, which nobody reads meanwhile."""
    sqs, functions = cloud.client("sqs"), cloud.client("lambda")
    url = sqs.get_queue_url(QueueName=watched.dimensions["QueueName"])["QueueUrl"]
    readers = functions.list_event_source_mappings(EventSourceArn=arn("sqs", watched.dimensions["QueueName"]))
    for each in readers["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
    sqs.purge_queue(QueueUrl=url)
    sent = []

    def happen():
        if not sent:
            sent.append(sqs.send_message(QueueUrl=url, MessageBody="{}"))

    yield happen
    sqs.purge_queue(QueueUrl=url)


def stop(states, execution_arn):
    states.stop_execution(executionArn=execution_arn)


def execution(definition, then=lambda *_: None):
    """Run executions of another definition on the state machine; `then` gets a client and the execution's ARN."""

    @contextmanager
    def executions(cloud, watched):
        states, machine = cloud.client("stepfunctions"), watched.dimensions["StateMachineArn"]
        states.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))

        def happen():
            then(states, states.start_execution(stateMachineArn=machine)["executionArn"])

        yield happen

    return executions


FAIL = {"QueryLanguage": "JSONata", "StartAt": "Fail", "States": {"Fail": {"Type": "Fail"}}}
WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}}}


@contextmanager
def invalid_record(cloud, watched):
    """Put a record that is not JSON into the stream."""
    stream, kinesis = watched.stack.outputs["StreamName"], cloud.client("kinesis")
    yield lambda: kinesis.put_record(StreamName=stream, Data=b"no JSON", PartitionKey="key")


@contextmanager
def malformed_change(cloud, watched):
    """Invoke Announce with a change whose key has a type that DynamoDB does not have."""
    event = json.loads((find("dynamodb-stream-trigger").folder / "events" / "insert.json").read_text())
    event["Records"][0]["dynamodb"]["Keys"] = {"pk": {"X": "a"}, "sk": {"S": "b"}}
    yield lambda: cloud.invoke(watched.stack.outputs["AnnounceFunction"], event)


@contextmanager
def recorded(cloud, watched):
    """Put values with dimensions of resources of the stack."""
    assert_of_stack(watched)
    yield partial(put_values, cloud, watched)


def put_values(cloud, watched):
    """Put values that reach the threshold in every period."""
    now = datetime.now(UTC)
    moments = [now - timedelta(seconds=number * watched.period / SCALE) for number in range(-1, watched.periods + 1)]
    dimensions = [{"Name": name, "Value": value} for name, value in watched.dimensions.items()]
    datum = {"MetricName": watched.name, "Dimensions": dimensions, "Value": watched.threshold}
    data = [{**datum, "Timestamp": each} for each in moments]
    cloud.client("cloudwatch").put_metric_data(Namespace=watched.namespace, MetricData=data)


def assert_of_stack(watched):
    """The dimensions name resources of the stack, or the stack."""
    ids = {each.physical_id for each in watched.stack.resources} | {watched.stack.name, "AllStorageTypes"}
    of_aliases = {f"{each}:live" for each in ids}
    of_apis = {each.rpartition("/")[2] for each in ids}
    unknown = set(watched.dimensions.values()) - ids - of_aliases - of_apis
    assert not unknown, f"{watched.namespace} {watched.name} of {unknown}, which the stack does not have"


FUNCTION = [{"FunctionName"}, {"FunctionName", "Resource"}]
MACHINE, RULE, QUEUE, SERVICE = [{"StateMachineArn"}], [{"RuleName"}], [{"QueueName"}], [{"service"}]
API = [{"GraphQLAPIId"}]
REQUESTS = "tests/local/appsync/test_metrics.py::test_requests_count_by_their_status"
REPLICATE = "patterns/dynamodb-stream-trigger/tests/test_replicate_changes.py"
APPROVALS = "patterns/stepfunctions-workflow/tests/test_approvals.py"
METRICS_OF = "tests/local/cloudwatch/test_metrics_of_"
# Each metric, what makes its alarms ring, the dimensions with which it is recorded, and, of a metric whose values are
# put here, the test that shows that it is recorded so.
METRICS: dict[tuple[str, str], tuple[Any, list[set[str]], str]] = {
    ("AWS/Lambda", "Errors"): (failing_function, FUNCTION, ""),
    ("AWS/Lambda", "Throttles"): (throttled_function, FUNCTION, ""),
    ("AWS/Lambda", "IteratorAge"): (
        recorded, FUNCTION, f"{METRICS_OF}functions.py::test_a_stream_has_an_age_and_what_it_gives_up_is_counted",
    ),
    ("AWS/Lambda", "DestinationDeliveryFailures"): (
        recorded,
        FUNCTION,
        f"{METRICS_OF}functions.py::test_deliveries_to_destinations_that_fail_are_counted_by_function",
    ),
    ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount"): (
        recorded,
        [{"EventSourceMappingUUID"}],
        f"{METRICS_OF}functions.py::test_a_stream_has_an_age_and_what_it_gives_up_is_counted",
    ),
    ("AWS/Events", "FailedInvocations"): (rule_without_target, RULE, ""),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): (waiting_message, QUEUE, ""),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): (waiting_message, QUEUE, ""),
    ("AWS/States", "ExecutionsFailed"): (execution(FAIL), MACHINE, ""),
    ("AWS/States", "ExecutionsTimedOut"): (execution({**WAIT, "TimeoutSeconds": 1}), MACHINE, ""),
    ("AWS/States", "ExecutionsAborted"): (execution(WAIT, stop), MACHINE, ""),
    ("AWS/States", "ExecutionThrottled"): (
        recorded, MACHINE, "tests/local/stepfunctions/test_metrics.py::test_no_state_transition_is_throttled",
    ),
    ("AWS/S3", "NumberOfObjects"): (
        recorded,
        [{"BucketName", "StorageType"}],
        f"{METRICS_OF}services.py::test_objects_of_a_bucket_are_counted_once_a_day",
    ),
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded"): (
        recorded, [{"StreamName"}], f"{METRICS_OF}streams.py::test_records_that_are_put_are_counted_with_their_bytes",
    ),
    ("AWS/DynamoDB", "ReadThrottleEvents"): (
        recorded, [{"TableName"}], f"{METRICS_OF}tables.py::test_throttled_and_failed_requests_are_recorded_by_table",
    ),
    ("AWS/AppSync", "4XXError"): (recorded, API, REQUESTS),
    ("AWS/AppSync", "5XXError"): (recorded, API, REQUESTS),
    ("AWS/AppSync", "Latency"): (recorded, API, REQUESTS),
    ("AWS/CodeBuild", "FailedBuilds"): (
        recorded, [{"ProjectName"}], f"{METRICS_OF}services.py::test_builds_count_by_their_outcome",
    ),
    ("ServerlessBlueprints", "RecordsPoison"): (invalid_record, SERVICE, ""),
    ("ServerlessBlueprints", "AnnouncementsRejected"): (malformed_change, SERVICE, ""),
    ("ServerlessBlueprints", "ChangesRejected"): (
        recorded,
        SERVICE,
        f"{REPLICATE}::test_a_change_that_cannot_be_replicated_is_stored_once_with_its_reason",
    ),
    ("ServerlessBlueprints", "RowsQuarantined"): (
        recorded, SERVICE, "patterns/glue-data-lake/tests/test_run.py::test_the_rows_of_a_run_are_counted",
    ),
    ("ServerlessBlueprints", "ApprovalsExpired"): (
        recorded,
        SERVICE,
        f"{APPROVALS}::test_only_orders_that_nobody_cancelled_count_as_expired",
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", METRICS, ids=" ".join)
def test_a_metric_whose_values_are_put_is_recorded_in_another_test(key):
    cause, _, proof = METRICS[key]
    assert bool(proof) == (cause is recorded)
    if proof:
        file, _, name = proof.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()
