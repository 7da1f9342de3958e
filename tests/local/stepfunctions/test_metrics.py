"""AWS/States metrics count executions and the work that they wait for; alarms on them ring."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.local.building import role
from tests.local.cloudwatch.reading import history
from tests.local.resources import QUEUE, ROLE, function_resource
from tests.local.stepfunctions.machines import STATES, Stacks, ended, machine, passing, run, version
from tests.local.waiting import until

FAILING = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "Broken"}}}
WAITING = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 3_000_000, "End": True}}}
TIMED = {**WAITING, "TimeoutSeconds": 1}
SENDING = {
    "StartAt": "Send",
    "States": {
        "Send": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "${Url}", "MessageBody": "hello"},
            "End": True,
        }
    },
}


@pytest.fixture
def total(cloud):
    """The sum of a metric's values."""

    def look(metric, statistic="Sum", **dimensions):
        now = datetime.now(UTC)
        points = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/States",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=[statistic],
        )["Datapoints"]
        return sum(each[statistic] for each in points)

    return look


def counts(total, arn):
    names = ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")
    found = {name: total(f"Executions{name}", StateMachineArn=arn) for name in names}
    return {name: count for name, count in found.items() if count}


def test_no_state_transition_is_throttled(cloud, total):
    arn = Stacks(cloud)(Machine=machine(Definition=passing(1))).outputs["Machine"]
    run(cloud, arn)

    assert total("ExecutionThrottled", "SampleCount", StateMachineArn=arn) == 1
    assert total("ExecutionThrottled", StateMachineArn=arn) == 0


def test_executions_are_counted_by_how_they_end(cloud, total):
    states, stacks = cloud.client("stepfunctions"), Stacks(cloud)
    deployed = stacks(
        Good=machine(Definition=passing(1)),
        Bad=machine(Definition=FAILING),
        Late=machine(Definition=TIMED),
        Stopped=machine(Definition=WAITING),
    )
    run(cloud, deployed.outputs["Good"])
    run(cloud, deployed.outputs["Good"])
    run(cloud, deployed.outputs["Bad"])
    assert run(cloud, deployed.outputs["Late"])["status"] == "TIMED_OUT"
    stopped = states.start_execution(stateMachineArn=deployed.outputs["Stopped"])["executionArn"]
    states.stop_execution(executionArn=stopped)

    assert counts(total, deployed.outputs["Good"]) == {"Started": 2, "Succeeded": 2}
    assert counts(total, deployed.outputs["Bad"]) == {"Started": 1, "Failed": 1}
    assert counts(total, deployed.outputs["Late"]) == {"Started": 1, "TimedOut": 1}
    assert counts(total, deployed.outputs["Stopped"]) == {"Started": 1, "Aborted": 1}
    assert total("ExecutionTime", "SampleCount", StateMachineArn=deployed.outputs["Good"]) == 2


def test_a_redrive_is_counted_apart(cloud, total):
    """Not as another start."""
    arn = Stacks(cloud)(Machine=machine(Definition=FAILING)).outputs["Machine"]
    execution = run(cloud, arn)["executionArn"]
    cloud.client("stepfunctions").redrive_execution(executionArn=execution)
    ended(cloud, execution)

    assert counts(total, arn) == {"Started": 1, "Failed": 2}
    assert total("ExecutionsRedriven", StateMachineArn=arn) == 1
    assert total("RedrivenExecutionsFailed", StateMachineArn=arn) == 1


def test_versions_and_aliases_have_metrics_of_their_own(cloud, total):
    """Beside those of the state machine."""
    routes = [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": 100}]
    alias = {
        "Type": "AWS::StepFunctions::StateMachineAlias",
        "Properties": {"Name": "live", "RoutingConfiguration": routes},
    }
    deployed = Stacks(cloud)(Machine=machine(Definition=passing(1)), Version=version("Machine"), Alias=alias)
    arn = deployed.outputs["Machine"]
    run(cloud, deployed.outputs["Alias"])
    run(cloud, arn)

    assert counts(total, arn) == {"Started": 2, "Succeeded": 2}
    assert total("ExecutionsSucceeded", StateMachineArn=arn, Alias="live") == 1
    assert total("ExecutionsSucceeded", StateMachineArn=arn, Version="1") == 1


def test_work_is_counted_by_its_resource(cloud, total):
    """A service integration that failed for its permission, and one that succeeded."""
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}
    properties = machine(Definition=SENDING, DefinitionSubstitutions={"Url": {"Ref": "Queue"}})
    sender = {**properties, "Properties": {**properties["Properties"], "RoleArn": {"Fn::GetAtt": ["Sender", "Arn"]}}}
    deployed = Stacks(cloud)(Queue=QUEUE, Sender=role(send, service=STATES), Sending=sender, Refused=properties)
    resource = "arn:aws:states:::sqs:sendMessage"
    before = {name: total(f"ServiceIntegrations{name}", ServiceIntegrationResourceArn=resource) for name in _ENDS}

    assert run(cloud, deployed.outputs["Sending"])["status"] == "SUCCEEDED"
    assert run(cloud, deployed.outputs["Refused"])["status"] == "FAILED"

    after = {name: total(f"ServiceIntegrations{name}", ServiceIntegrationResourceArn=resource) for name in _ENDS}
    assert {name: after[name] - before[name] for name in _ENDS} == {
        "Scheduled": 2, "Started": 2, "Succeeded": 1, "Failed": 1,
    }  # fmt: skip


_ENDS = ("Scheduled", "Started", "Succeeded", "Failed")


def test_functions_and_activities_have_metrics_of_their_own(cloud, total):
    """By their ARNs: how many were scheduled, started and ended, and how long they took."""
    states, stacks = cloud.client("stepfunctions"), Stacks(cloud)
    activity = {"Type": "AWS::StepFunctions::Activity", "Properties": {"Name": f"{stacks.name}-pack"}}
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": {"Fn::GetAtt": ["Work", "Arn"]}}
    definition = {
        "StartAt": "Work",
        "States": {
            "Work": {"Type": "Task", "Resource": "${Work}", "Next": "Pack"},
            "Pack": {"Type": "Task", "Resource": "${Pack}", "End": True},
        },
    }
    names = {"Work": {"Fn::GetAtt": ["Work", "Arn"]}, "Pack": {"Ref": "Pack"}}
    calling = machine(Definition=definition, DefinitionSubstitutions=names)
    calling["Properties"]["RoleArn"] = {"Fn::GetAtt": ["Caller", "Arn"]}
    deployed = stacks(
        Role=ROLE,
        Work=function_resource("def handler(event, context): return 1"),
        Pack=activity,
        Caller=role(invoke, service=STATES),
        Machine=calling,
    )
    execution = states.start_execution(stateMachineArn=deployed.outputs["Machine"])["executionArn"]
    task = until(lambda: _polled(states, deployed.outputs["Pack"]))
    states.send_task_success(taskToken=task["taskToken"], output="2")
    assert ended(cloud, execution)["output"] == 2

    function = cloud.client("lambda").get_function(FunctionName=deployed.outputs["Work"])["Configuration"][
        "FunctionArn"
    ]
    for kinds, kind, dimension in (
        ("LambdaFunctions", "LambdaFunction", {"LambdaFunctionArn": function}),
        ("Activities", "Activity", {"ActivityArn": deployed.outputs["Pack"]}),
    ):
        counted = {name: total(f"{kinds}{name}", **dimension) for name in _ENDS}
        assert counted == {"Scheduled": 1, "Started": 1, "Succeeded": 1, "Failed": 0}
        assert total(f"{kind}Time", **dimension) >= total(f"{kind}RunTime", **dimension) > 0


def _polled(states, activity):
    task = states.get_activity_task(activityArn=activity)
    return task if task.get("taskToken") else None


def test_an_alarm_on_failed_executions_rings(cloud):
    arn = Stacks(cloud)(Machine=machine(Definition=FAILING)).outputs["Machine"]
    cloudwatch, name = cloud.client("cloudwatch"), arn.rpartition(":")[2]
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Dimensions=[{"Name": "StateMachineArn", "Value": arn}],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
    )
    run(cloud, arn)

    until(lambda: "ALARM" in history(cloud, name))
