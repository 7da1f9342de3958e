"""Updates of aliases go through deployments: hooks, weights, alarms and rollbacks."""

import threading
import time
import uuid

import pytest

from benchmarks import alias_weights
from blueprints.local.services.lambda_.alias_routing import chosen_version
from tests.local.releases import CANARY, REPORTING, SILENT, TRUST, Releases, alarm_on
from tests.local.resources import ROLE, function_resource
from tests.local.waiting import printed, until


@pytest.fixture
def releases(cloud):
    """Deploys release after release of one function in one stack."""
    name = f"release-{uuid.uuid4().hex[:12]}"
    return Releases(cloud, name)


def test_a_release_reaches_the_alias_through_its_hooks(releases):
    before, after = REPORTING.format(status="Succeeded"), REPORTING.format(status="Succeeded")
    releases.deploy(1, before=before, after=after)
    assert releases.deployments() == []  # a new alias has no traffic to shift
    releases.deploy(2, before=before, after=after)

    ((answer, version), (deployment,)) = releases.answer(), releases.deployments()

    assert (answer["release"], version, answer["arn"].endswith(":live")) == (2, "2", True)
    assert deployment["status"] == "Succeeded"
    assert releases.alias() == ("2", {})
    assert releases.events(deployment["deploymentId"]) == {
        "BeforeAllowTraffic": "Succeeded",
        "AllowTraffic": "Succeeded",
        "AfterAllowTraffic": "Succeeded",
    }
    for hook in ("Before", "AfterA"):
        lines = printed(releases.cloud, f"CodeDeployHook_{releases.name}_{hook}")
        assert [line for line in lines if line.startswith("hook ")] == [f"hook {deployment['deploymentId']}"]


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        (REPORTING.format(status="Failed"), "reported Failed"),
        (SILENT, "reported no result within an hour"),
        ("def handler(event, context):\n    raise RuntimeError('broken hook')", "reported no result within an hour"),
    ],
    ids=["failed", "silent", "raising"],
)
def test_a_hook_that_does_not_succeed_keeps_the_old_version(releases, hook, reason):
    releases.deploy(1, before=hook)

    said = releases.refused(2, before=hook)

    assert reason in said
    assert releases.alias() == ("1", {})
    assert releases.answer()[0]["release"] == 1
    assert releases.status() == "UPDATE_ROLLBACK_COMPLETE"
    (deployment,) = releases.deployments()
    assert deployment["status"] == "Failed"
    assert deployment["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"


def test_a_hook_after_the_traffic_takes_it_back(releases):
    hook = REPORTING.format(status="Failed")
    releases.deploy(1, after=hook)

    releases.refused(2, after=hook)

    assert releases.alias() == ("1", {})
    (deployment,) = releases.deployments()
    assert releases.events(deployment["deploymentId"])["AllowTraffic"] == "Succeeded"
    assert deployment["rollbackInfo"]["rollbackDeploymentId"].startswith("d-")


def test_an_alarm_stops_a_canary_and_the_weights_go_back(releases):
    releases.deploy(1, alarms=["Errors"], **CANARY)
    alarm = f"{releases.name}-Errors"
    with releases.failing(2, alarms=["Errors"], **CANARY) as failure:
        releases.until_canary()
        releases.cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")

    assert alarm in failure[0]
    assert "ALARM_ACTIVE" in failure[0]
    assert releases.alias() == ("1", {})
    (deployment,) = releases.deployments()
    assert deployment["status"] == "Stopped"


def test_an_alarm_that_rings_before_the_deployment_stops_it_at_once(releases):
    properties = {**alarm_on(f"{releases.name}-Errors"), "TreatMissingData": "breaching"}
    ringing = {"Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}
    releases.deploy(1, alarms=["Errors"], **ringing)
    cloudwatch = releases.cloud.client("cloudwatch")
    until(
        lambda: cloudwatch.describe_alarms(StateValue="ALARM", AlarmNames=[f"{releases.name}-Errors"])["MetricAlarms"]
    )

    assert "ALARM_ACTIVE" in releases.refused(2, alarms=["Errors"], **ringing)

    assert releases.alias() == ("1", {})


def test_an_alarm_that_has_rung_and_fallen_silent_stops_the_deployment_too(releases):
    """Here an alarm rings for some milliseconds, between two checks of the deployment."""
    releases.deploy(1, alarms=["Errors"], **CANARY)
    failing = {"MetricName": f"{releases.name}-Errors", "Value": 1}
    with releases.failing(2, alarms=["Errors"], **CANARY) as failure:
        releases.until_canary()
        releases.cloud.client("cloudwatch").put_metric_data(Namespace="Releases", MetricData=[failing])

    assert "ALARM_ACTIVE" in failure[0]
    assert releases.alias() == ("1", {})


def test_linear_deployments_pass_through_their_steps(releases):
    config = "LambdaLinear10PercentEvery10Minutes"
    releases.deploy(1, config=config)
    seen, done = [], threading.Event()

    def watch():
        while not done.is_set():
            version, weights = releases.alias()
            step = weights.get("2", 0.0) if version == "1" else 1.0
            if not seen or seen[-1] != step:
                seen.append(step)
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    releases.deploy(2, config=config)
    done.set()
    watcher.join()

    assert seen == sorted(seen)
    assert len(seen) > 2  # on a busy machine, some steps are over before they are seen
    assert set(seen) <= {step / 10 for step in range(11)}
    assert releases.alias() == ("2", {})


def test_a_deployment_can_be_stopped(releases):
    releases.deploy(1, **CANARY)
    client = releases.cloud.client("codedeploy")
    with releases.failing(2, **CANARY) as failure:
        releases.until_canary()
        (deployment,) = releases.deployments()
        with pytest.raises(client.exceptions.DeploymentIsNotInReadyStateException):
            client.continue_deployment(deploymentId=deployment["deploymentId"])
        client.stop_deployment(deploymentId=deployment["deploymentId"], autoRollbackEnabled=True)

    assert "MANUAL_STOP" in failure[0]
    assert releases.alias() == ("1", {})
    assert releases.deployments()[0]["status"] == "Stopped"
    with pytest.raises(client.exceptions.DeploymentAlreadyCompletedException):
        client.stop_deployment(deploymentId=deployment["deploymentId"])


def test_the_role_must_be_allowed_to_move_the_alias(releases):
    nothing = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    untrusting = {"Type": "AWS::IAM::Role", "Properties": ROLE["Properties"]}
    releases.deploy(1)

    assert "lambda:GetAlias" in releases.refused(2, DeployRole=nothing)
    assert "sts:AssumeRole" in releases.refused(3, DeployRole=untrusting)

    assert releases.alias() == ("1", {})


def test_a_hook_needs_the_name_that_the_role_may_invoke(releases):
    hook = function_resource(SILENT)
    releases.deploy(1)
    policy = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": "Group"}}
    alias = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "Name": "live",
            "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": ["Version2", "Version"]},
        },
        "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {**policy, "BeforeAllowTrafficHook": {"Ref": "Hook"}}},
    }

    assert "lambda:InvokeFunction" in releases.refused(2, Hook=hook, Alias=alias)

    assert releases.alias() == ("1", {})


def test_a_result_counts_once_and_for_its_own_deployment(releases):
    hook = REPORTING.format(status="Succeeded")
    releases.deploy(1, before=hook)
    releases.deploy(2, before=hook)
    (deployment,) = releases.deployments()
    client = releases.cloud.client("codedeploy")
    report = {"deploymentId": deployment["deploymentId"], "status": "Failed"}

    with pytest.raises(client.exceptions.InvalidLifecycleEventHookExecutionIdException):
        client.put_lifecycle_event_hook_execution_status(lifecycleEventHookExecutionId="another", **report)
    with pytest.raises(client.exceptions.DeploymentDoesNotExistException):
        client.put_lifecycle_event_hook_execution_status(
            deploymentId="d-ANOTHER00", lifecycleEventHookExecutionId="another", status="Failed"
        )


def test_every_way_of_invocation_chooses_the_version_by_weight(cloud):
    """`python -m benchmarks.alias_weights` does it with 2,000 invocations each."""
    counted = alias_weights.shares(cloud, invocations=40, weight=0.5)

    assert counted.keys() == {"synchronous", "asynchronous", "queue", "stream", "state machine"}
    for way, (second, of) in counted.items():
        assert of == 40, way
        assert alias_weights.deviations(second, of, 0.5) < 5, way  # by chance more once in a million runs


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.35, 1.0])
def test_a_weight_is_the_share_of_2000_draws(weight):
    alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": weight}}}
    even = [chosen_version(alias, lambda draw=draw: draw / 2000) for draw in range(2000)]
    random = [chosen_version(alias) for _ in range(2000)]

    assert even.count("2") == round(weight * 2000)
    assert abs(random.count("2") - weight * 2000) <= 6 * (2000 * weight * (1 - weight)) ** 0.5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RoutingConfig": {"AdditionalVersionWeights": {"7": 0.1}}}, "ResourceNotFoundException"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}}, "InvalidParameterValueException"),
        ({"FunctionVersion": "7"}, "ResourceNotFoundException"),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}},
            "InvalidParameterValueException",
        ),
    ],
    ids=["missing version", "same version", "missing main version", "latest"],
)
def test_an_alias_refuses_versions_that_cannot_share_its_traffic(releases, changes, code):
    releases.deploy(1)
    client = releases.cloud.client("lambda")

    with pytest.raises(client.exceptions.ClientError) as refusal:
        client.update_alias(FunctionName=releases.function, Name="live", **changes)

    assert refusal.value.response["Error"]["Code"] == code
    assert releases.alias() == ("1", {})
