"""Aliases of a stack that do not depend on each other are deployed at the same time, and go back together."""

import uuid

import pytest

from blueprints.local.cloud import ACCOUNT, REGION
from tests.local.fleet import ALIASES, NEW, OLD, Fleet, canary_group
from tests.local.releases import CANARY, REPORTING, Releases, nesting
from tests.local.stepfunctions.machines import MACHINE_ROLE, machine, passing, version
from tests.local.waiting import until

FAILING_HOOK = REPORTING.format(status="Failed")
SHORT_CANARY = {
    "Type": "AWS::CodeDeploy::DeploymentConfig",
    "Properties": {
        "ComputePlatform": "Lambda",
        "TrafficRoutingConfig": {
            "Type": "TimeBasedCanary",
            "TimeBasedCanary": {"CanaryPercentage": 10, "CanaryInterval": 20},
        },
    },
}
BROKEN = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": "none"}}
"""A resource that cannot be created."""
BROKEN_REASON = "Exactly one of Definition"
AT_ONCE = {"DeploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce"}
AT_ONCE_GROUP = canary_group((), AT_ONCE)
NO_AUTOMATIC_ROLLBACK = {"AutoRollbackConfiguration": {"Enabled": False}}


@pytest.fixture
def fleet(cloud):
    """Deploys release after release of three functions in one stack."""
    return Fleet(cloud, f"fleet-{uuid.uuid4().hex[:12]}")


def test_the_aliases_of_a_stack_move_at_the_same_time(fleet):
    fleet.deploy(1, canary=SHORT_CANARY)
    fleet.deploy(2, canary=SHORT_CANARY)

    assert fleet.aliases() == NEW
    assert fleet.all_deployments() == ["Succeeded"] * 3
    assert fleet.events_of_aliases() == {each: ["IN_PROGRESS", "COMPLETE"] for each in ALIASES}
    began, ended = fleet.moments("UPDATE_IN_PROGRESS"), fleet.moments("UPDATE_COMPLETE")
    assert max(began) < min(ended)
    fleet.delete()


def test_a_cancelled_update_moves_all_aliases_back(fleet):
    fleet.deploy(1)
    with fleet.failing(2) as reasons:
        fleet.until_all_are_canaries()
        fleet.cloud.client("cloudformation").cancel_update_stack(StackName=fleet.name)

    assert "MANUAL_STOP" in reasons[0]
    assert fleet.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.aliases() == OLD
    assert fleet.all_deployments() == ["Stopped"] * 3
    fleet.delete()


@pytest.mark.parametrize("function", ["bravo", "charlie"])
def test_a_hook_that_fails_stops_the_deployments_of_the_other_functions(fleet, function):
    failing, alias = {function: {"before": FAILING_HOOK}}, f"{function.title()}Alias"
    fleet.deploy(1, **failing)

    said = fleet.refused(2, **failing)

    assert "reported Failed" in said
    assert fleet.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.aliases() == OLD
    assert sorted(fleet.all_deployments()) == ["Failed", "Stopped", "Stopped"]
    failed = dict(fleet.stack_events("UPDATE_FAILED"))
    assert failed.keys() == set(ALIASES)
    assert "reported Failed" in failed.pop(alias)
    assert set(failed.values()) == {"Resource update cancelled"}
    assert (fleet.name, f"The following resource(s) failed to update: [{alias}]. ") in fleet.stack_events(
        "UPDATE_ROLLBACK_IN_PROGRESS"
    )
    sent_back = ["IN_PROGRESS", "FAILED", "IN_PROGRESS", "COMPLETE"]
    assert fleet.events_of_aliases() == dict.fromkeys(ALIASES, sent_back)
    fleet.deploy(3, group_changes=AT_ONCE)
    assert fleet.aliases() == [("3", {})] * 3


def test_an_alarm_of_one_function_stops_the_deployments_of_all(fleet):
    ringing = {"bravo": {"alarms": ["Errors"]}}
    fleet.deploy(1, **ringing)
    with fleet.failing(2, **ringing) as reasons:
        fleet.until_all_are_canaries()
        fleet.cloud.client("cloudwatch").set_alarm_state(
            AlarmName=f"{fleet.name}-Errors", StateValue="ALARM", StateReason="test"
        )

    assert "ALARM_ACTIVE" in reasons[0]
    assert fleet.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.aliases() == OLD
    assert fleet.all_deployments() == ["Stopped"] * 3


def test_what_had_succeeded_goes_back_when_another_function_fails(fleet):
    """The base emulator waits for the alias of Bravo when that of Charlie has moved."""
    settings = {"CharlieGroup": AT_ONCE_GROUP}
    fleet.deploy(1, **settings)
    with fleet.failing(2, **settings) as reasons:
        until(lambda: fleet.aliases() == [("1", {"2": 0.1}), ("1", {"2": 0.1}), ("2", {})])
        fleet.cloud.client("cloudformation").cancel_update_stack(StackName=fleet.name)

    assert "MANUAL_STOP" in reasons[0]
    assert fleet.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.aliases() == OLD
    assert sorted(fleet.all_deployments()) == ["Stopped", "Stopped", "Succeeded"]
    fleet.delete()


def test_another_resource_that_fails_stops_the_deployments(fleet):
    """It depends on an alias that moves at once, so it fails while the others are canaries."""
    settings = {"BravoGroup": AT_ONCE_GROUP}
    fleet.deploy(1, **settings)

    said = fleet.refused(2, **settings, Broken={**BROKEN, "DependsOn": "BravoAlias"})

    assert BROKEN_REASON in said
    assert fleet.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.aliases() == OLD
    assert sorted(fleet.all_deployments()) == ["Stopped", "Stopped", "Succeeded"]
    cancelled = [name for name, why in fleet.stack_events("UPDATE_FAILED") if why == "Resource update cancelled"]
    assert sorted(cancelled) == ["Alias", "CharlieAlias"]


def test_an_alias_waits_for_the_aliases_that_it_depends_on(fleet):
    chain = {"charlie": {"depends_on": ["BravoAlias"]}}
    fleet.deploy(1, **chain)
    with fleet.failing(2, **chain):
        until(lambda: fleet.aliases() == [("1", {"2": 0.1}), ("1", {"2": 0.1}), ("1", {})])
        assert len(fleet.all_deployments()) == 2
        fleet.cloud.client("cloudformation").cancel_update_stack(StackName=fleet.name)

    assert fleet.aliases() == OLD


def test_an_alias_with_a_dynamic_reference_moves_after_the_others(fleet):
    """What it refers to is looked up when the base emulator gets to it."""
    fleet.cloud.client("ssm").put_parameter(Name=f"/{fleet.name}/text", Value="looked up", Type="String")
    settings = {"charlie": {"description": f"{{{{resolve:ssm:/{fleet.name}/text}}}}"}}
    fleet.deploy(1, **settings)
    with fleet.failing(2, **settings):
        until(lambda: fleet.aliases() == [("1", {"2": 0.1}), ("1", {"2": 0.1}), ("1", {})])
        begun = len(fleet.all_deployments())
        fleet.cloud.client("cloudformation").cancel_update_stack(StackName=fleet.name)

    assert begun == 2
    assert fleet.aliases() == OLD


def test_without_a_rollback_only_the_first_failure_keeps_its_weights(fleet):
    """What was stopped goes back at once; what has succeeded stays. RollbackStack sends everything back."""
    settings = {
        "group_changes": NO_AUTOMATIC_ROLLBACK,
        "charlie": {"alarms": ["Errors"]},
        "Group": AT_ONCE_GROUP,
    }
    fleet.deploy(1, **settings)
    cloudformation = fleet.cloud.client("cloudformation")
    update = {"StackName": fleet.name, "TemplateBody": fleet.template(2, **settings)}

    cloudformation.update_stack(DisableRollback=True, Capabilities=["CAPABILITY_IAM"], **update)
    until(lambda: fleet.aliases() == [("2", {}), ("1", {"2": 0.1}), ("1", {"2": 0.1})])
    alarm = {"AlarmName": f"{fleet.name}-Errors", "StateReason": "test"}
    fleet.cloud.client("cloudwatch").set_alarm_state(StateValue="ALARM", **alarm)
    until(lambda: fleet.status() == "UPDATE_FAILED")

    assert fleet.aliases() == [("2", {}), ("1", {}), ("1", {"2": 0.1})]
    (*_, (name, reason)) = fleet.stack_events("UPDATE_FAILED")
    assert name == fleet.name
    assert "Resource CharlieAlias failed" in reason
    cloudformation.rollback_stack(StackName=fleet.name)
    until(lambda: fleet.status() == "UPDATE_ROLLBACK_COMPLETE")
    assert fleet.aliases() == OLD
    fleet.delete()


def test_what_has_moved_in_a_nested_stack_goes_back_too(fleet):
    """The base emulator waits for the alias of Bravo when the first one has moved."""
    settings = {"Group": AT_ONCE_GROUP}
    fleet.deploy = nesting(fleet)
    fleet.deploy(1, **settings)
    with fleet.failing(2, **settings) as reasons:
        until(lambda: fleet.aliases() == [("2", {}), ("1", {"2": 0.1}), ("1", {"2": 0.1})])
        fleet.cloud.client("cloudformation").cancel_update_stack(StackName=fleet.name)

    assert "MANUAL_STOP" in reasons[0]
    assert fleet.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.aliases() == OLD


def test_the_alias_of_a_state_machine_moves_at_the_same_time_as_that_of_a_function(cloud):
    releases = Releases(cloud, f"release-{uuid.uuid4().hex[:12]}")
    states = cloud.client("stepfunctions")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{releases.name}"

    def settings(release):
        preference = {"StateMachineVersionArn": {"Ref": "MachineVersion"}, "Type": "CANARY", "Percentage": 20}
        properties = {"Name": "live", "DeploymentPreference": {**preference, "Interval": 2000}}
        named = machine(Definition=passing(release), StateMachineName=releases.name)
        alias = {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": properties}
        own = {"MachineRole": MACHINE_ROLE, "Machine": named, "MachineVersion": version("Machine")}
        return {**CANARY, **own, "MachineAlias": alias}

    def routes():
        described = states.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:live")["routingConfiguration"]
        return [(each["stateMachineVersionArn"].removeprefix(f"{arn}:"), each["weight"]) for each in described]

    releases.deploy(1, **settings(1))
    with releases.failing(2, **settings(2)):
        until(lambda: (releases.alias(), routes()) == (("1", {"2": 0.1}), [("1", 80), ("2", 20)]))
        cloud.client("cloudformation").cancel_update_stack(StackName=releases.name)

    assert releases.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert releases.alias() == ("1", {})
    assert routes() == [("1", 100)]
