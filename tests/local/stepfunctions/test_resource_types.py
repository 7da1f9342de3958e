"""CloudFormation creates, updates, replaces and deletes state machines, versions, aliases and activities."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import ACCOUNT, REGION
from tests.local.stepfunctions.machines import (
    LOG_GROUP,
    Stacks,
    logging,
    machine,
    passing,
    run,
    version,
)
from tests.local.waiting import until

TEXT = {
    "DefinitionString": json.dumps(passing({"greeting": "${Greeting}", "who": "${of_whom_1}"})),
    "DefinitionSubstitutions": {"Greeting": "hello", "of_whom_1": {"Ref": "AWS::StackName"}},
}


@pytest.fixture
def stacks(cloud):
    return Stacks(cloud)


@pytest.fixture
def states(cloud):
    return cloud.client("stepfunctions")


def test_a_definition_gets_its_substitutions(cloud, stacks):
    """Names in `${…}` that the template does not substitute stay as they are."""
    deployed = stacks(Machine=machine(**TEXT))

    output = run(cloud, deployed.outputs["Machine"])["output"]

    assert output == {"greeting": "hello", "who": stacks.name}


def test_a_definition_may_be_an_object(cloud, stacks):
    deployed = stacks(Machine=machine(Definition=passing({"a": ["ä", 1]})))

    assert run(cloud, deployed.outputs["Machine"])["output"] == {"a": ["ä", 1]}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(passing({"day": "${Day}"})),
        "StartAt: Give\nStates:\n  Give: {Type: Pass, Result: {day: 2024-02-29}, End: true}\n",
    ],
    ids=["json", "yaml"],
)
def test_a_definition_may_be_in_s3(cloud, stacks, content):
    """A file in YAML becomes JSON, in which a day is a text."""
    bucket = f"definitions-{stacks.name}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="machine.asl", Body=content.encode())
    location = {"Bucket": bucket, "Key": "machine.asl"}

    deployed = stacks(Machine=machine(DefinitionS3Location=location, DefinitionSubstitutions={"Day": "2024-02-29"}))

    assert run(cloud, deployed.outputs["Machine"])["output"] == {"day": "2024-02-29"}


def test_a_missing_file_fails_the_resource(stacks):
    with pytest.raises(BlueprintError, match=r"There is no object s3://nowhere/at\.all"):
        stacks(Machine=machine(DefinitionS3Location={"Bucket": "nowhere", "Key": "at.all"}))


def test_an_invalid_definition_fails_the_resource_in_the_words_of_the_service(stacks, states):
    """The stack is rolled back, and there is no state machine."""
    broken = {"StartAt": "Give", "States": {"Give": {"Type": "Pass", "Next": "Nowhere"}}}

    with pytest.raises(BlueprintError, match="MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere"):
        stacks(Machine=machine(Definition=broken, StateMachineName=stacks.name))

    assert stacks.name not in names_of_machines(states)


def test_what_a_template_sets_is_what_the_service_describes(stacks, states):
    deployed = stacks(
        Logs=LOG_GROUP,
        Machine=machine(
            **TEXT,
            StateMachineType="EXPRESS",
            LoggingConfiguration=logging("ERROR", data=True),
            TracingConfiguration={"Enabled": True},
            Tags=[{"Key": "team", "Value": "blue"}],
        ),
    )

    arn = deployed.outputs["Machine"]
    described = states.describe_state_machine(stateMachineArn=arn)
    tags = {each["key"]: each["value"] for each in states.list_tags_for_resource(resourceArn=arn)["tags"]}

    assert described["type"] == "EXPRESS"
    assert described["tracingConfiguration"] == {"enabled": True}
    assert described["loggingConfiguration"]["level"] == "ERROR"
    assert described["loggingConfiguration"]["includeExecutionData"] is True
    assert tags["team"] == "blue"
    assert tags["aws:cloudformation:logical-id"] == "Machine"


def test_an_update_keeps_the_machine_and_changes_what_the_template_changes(cloud, stacks, states):
    """Logs and traces that the template no longer sets are off; tags are those of the new template."""
    first = stacks(
        Logs=LOG_GROUP,
        Machine=machine(
            Definition=passing(1),
            LoggingConfiguration=logging("ALL"),
            TracingConfiguration={"Enabled": True},
            Tags=[{"Key": "old", "Value": "1"}, {"Key": "both", "Value": "1"}],
        ),
    ).outputs["Machine"]

    second = stacks(
        Logs=LOG_GROUP,
        Machine=machine(Definition=passing(2), Tags=[{"Key": "both", "Value": "2"}, {"Key": "new", "Value": "2"}]),
    ).outputs["Machine"]

    described = states.describe_state_machine(stateMachineArn=first)
    tags = {each["key"]: each["value"] for each in states.list_tags_for_resource(resourceArn=first)["tags"]}
    assert second == first
    assert run(cloud, first)["output"] == 2
    assert described["loggingConfiguration"]["level"] == "OFF"
    assert described["tracingConfiguration"] == {"enabled": False}
    assert {name: value for name, value in tags.items() if not name.startswith("aws:")} == {"both": "2", "new": "2"}


def test_another_type_replaces_the_machine(stacks, states):
    """The old one is gone after the update."""
    first = stacks(Machine=machine(Definition=passing(1))).outputs["Machine"]
    second = stacks(Machine=machine(Definition=passing(1), StateMachineType="EXPRESS")).outputs["Machine"]

    assert second != first
    assert states.describe_state_machine(stateMachineArn=second)["type"] == "EXPRESS"
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.describe_state_machine(stateMachineArn=first)


def names_of_machines(states):
    """The names on all pages: other tests of the session have made machines too."""
    pages = states.get_paginator("list_state_machines").paginate()
    return {each["name"] for page in pages for each in page["stateMachines"]}


def test_another_name_replaces_the_machine(stacks, states):
    stacks(Machine=machine(Definition=passing(1), StateMachineName=f"{stacks.name}-a"))
    second = stacks(Machine=machine(Definition=passing(1), StateMachineName=f"{stacks.name}-b")).outputs["Machine"]

    names = names_of_machines(states)
    assert second.endswith(f":{stacks.name}-b")
    assert names & {f"{stacks.name}-a", f"{stacks.name}-b"} == {f"{stacks.name}-b"}


def test_a_name_that_is_taken_fails_the_resource(cloud, stacks, states):
    """CreateStateMachine alone would answer with the other machine, which the stack would delete later."""
    name = f"{stacks.name}-taken"
    Stacks(cloud)(Machine=machine(Definition=passing(1), StateMachineName=name))

    with pytest.raises(BlueprintError, match="State Machine Already Exists"):
        stacks(Machine=machine(Definition=passing(1), StateMachineName=name))

    assert name in names_of_machines(states)


def test_a_deleted_stack_leaves_no_machine(cloud, stacks, states):
    arn = stacks(Machine=machine(Definition=passing(1))).outputs["Machine"]
    cloud.client("cloudformation").delete_stack(StackName=stacks.name)

    until(lambda: arn.rpartition(":")[2] not in names_of_machines(states))


def test_drift_sees_a_machine_that_was_deleted_elsewhere(cloud, stacks, states):
    arn = stacks(Machine=machine(Definition=passing(1))).outputs["Machine"]
    formation = cloud.client("cloudformation")

    def drift():
        found = formation.detect_stack_resource_drift(StackName=stacks.name, LogicalResourceId="Machine")
        return found["StackResourceDrift"]["StackResourceDriftStatus"]

    assert drift() == "IN_SYNC"
    states.delete_state_machine(stateMachineArn=arn)
    assert drift() == "DELETED"


def alias(**preference):
    """An alias `live` of the version `Version`."""
    settings = {"StateMachineVersionArn": {"Ref": "Version"}, "Type": "ALL_AT_ONCE", **preference}
    properties = {"Name": "live", "DeploymentPreference": settings}
    return {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": properties}


def release(stacks, result, **preference):
    """Deploy a state machine with this result, its version, and the alias that moves to it."""
    return stacks(Machine=machine(Definition=passing(result)), Version=version("Machine"), Alias=alias(**preference))


def weights(states, arn):
    """The percentages of an alias, by the number of the version."""
    routes = states.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
    return {int(each["stateMachineVersionArn"].rpartition(":")[2]): each["weight"] for each in routes if each["weight"]}


def test_a_new_alias_goes_to_its_version_at_once(cloud, stacks, states):
    deployed = release(stacks, "one", Type="CANARY", Percentage=10, Interval=2100)

    arn = deployed.outputs["Alias"]
    assert arn == f"{deployed.outputs['Machine']}:live"
    assert weights(states, arn) == {1: 100}
    execution = run(cloud, arn)
    assert execution["output"] == "one"
    assert execution["stateMachineAliasArn"] == arn
    assert execution["stateMachineVersionArn"] == deployed.outputs["Version"]


def test_a_canary_moves_the_alias_in_two_steps(cloud, stacks, states):
    """Until the interval is over, both versions have their share; the version that was replaced is retained."""
    arn = release(stacks, "one").outputs["Alias"]
    update = threading.Thread(
        target=release, args=(stacks, "two"), kwargs={"Type": "CANARY", "Percentage": 10, "Interval": 50}
    )
    update.start()
    until(lambda: weights(states, arn) == {1: 90, 2: 10})
    assert stacks.status() == "UPDATE_IN_PROGRESS"
    update.join(30)

    assert stacks.status() == "UPDATE_COMPLETE"
    assert weights(states, arn) == {2: 100}
    assert run(cloud, arn)["output"] == "two"
    assert run(cloud, f"{arn.removesuffix(':live')}:1")["output"] == "one"


def test_a_linear_deployment_moves_the_alias_in_equal_steps(stacks, states):
    arn = release(stacks, "one").outputs["Alias"]
    seen = []
    update = threading.Thread(
        target=release, args=(stacks, "two"), kwargs={"Type": "LINEAR", "Percentage": 40, "Interval": 25}
    )
    update.start()
    while update.is_alive():
        share = weights(states, arn).get(2, 0)
        seen += [share] if share not in seen else []
        update.join(0.01)

    assert [each for each in seen if each] in ([40, 80], [40, 80, 100])
    assert weights(states, arn) == {2: 100}


@pytest.fixture
def alarm(cloud, stacks):
    """The name of an alarm on failed executions of the stack's state machine."""
    name = f"{stacks.name}-failed"
    machine_arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{stacks.name}"
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Dimensions=[{"Name": "StateMachineArn", "Value": machine_arn}],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        TreatMissingData="notBreaching",
    )
    return name


def canary_of(stacks, definition, alarm, wait=2100):
    """Deploy a state machine with this definition as a canary that the alarm stops."""
    settings = {"Type": "CANARY", "Percentage": 10, "Interval": wait, "Alarms": [alarm]}
    named = machine(Definition=definition, StateMachineName=stacks.name)
    return stacks(Machine=named, Version=version("Machine"), Alias=alias(**settings))


def test_failed_executions_of_a_canary_ring_the_alarm_that_rolls_it_back(cloud, stacks, states, alarm):
    """The alias goes to the old version again, the update fails, and the machine has its old definition."""
    failing = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken"}}}
    deployed = canary_of(stacks, passing("one"), alarm)
    arn = deployed.outputs["Alias"]
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(canary_of, stacks, failing, alarm)
        until(lambda: weights(states, arn) == {1: 90, 2: 10})
        states.start_execution(stateMachineArn=f"{arn.removesuffix(':live')}:2")
        with pytest.raises(BlueprintError, match=f"the alarm {alarm} is in the state ALARM"):
            update.result(30)

    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert weights(states, arn) == {1: 100}
    assert run(cloud, deployed.outputs["Machine"])["output"] == "one"


def test_a_cancelled_update_moves_the_alias_back(cloud, stacks, states):
    arn = release(stacks, "one").outputs["Alias"]
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(release, stacks, "two", Type="CANARY", Percentage=10, Interval=2100)
        until(lambda: weights(states, arn) == {1: 90, 2: 10})
        cloud.client("cloudformation").cancel_update_stack(StackName=stacks.name)
        with pytest.raises(BlueprintError, match="UPDATE_ROLLBACK_COMPLETE"):
            update.result(30)

    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert weights(states, arn) == {1: 100}


def test_a_rollback_of_the_stack_moves_the_alias_back_at_once(cloud, stacks, states):
    """Another resource failed after the alias had moved; 2,100 minutes would be 42 seconds here."""
    arn = release(stacks, "one", Type="CANARY", Percentage=50, Interval=2100).outputs["Alias"]
    nameless = {"Type": "AWS::StepFunctions::StateMachine", "DependsOn": "Alias", "Properties": {"RoleArn": "none"}}
    began = time.monotonic()

    with pytest.raises(BlueprintError, match="Exactly one of Definition"):
        stacks(Machine=machine(Definition=passing("two")), Version=version("Machine"), Alias=alias(), Nameless=nameless)

    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert weights(states, arn) == {1: 100}
    assert run(cloud, arn)["output"] == "one"
    assert time.monotonic() - began < 20


def test_an_alias_may_have_fixed_weights(stacks, states):
    """Those of RoutingConfiguration; changed weights are in effect after the update."""

    def route(first):
        routes = [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": first}]
        if first < 100:
            routes.append({"StateMachineVersionArn": {"Ref": "Second"}, "Weight": 100 - first})
        properties = {"Name": "both", "RoutingConfiguration": routes}
        return {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": properties}

    one = machine(Definition=passing("one"))
    two = machine(Definition=passing("two"))
    first = version("Machine")
    arn = stacks(Machine=one, Version=first, Both=route(100)).outputs["Both"]
    assert weights(states, arn) == {1: 100}
    fixed = version("Machine")
    del fixed["Properties"]["StateMachineRevisionId"]
    stacks(Machine=one, Version=first, Both=route(100))

    second = version("Machine", Description="second")
    states.update_state_machine(
        stateMachineArn=arn.removesuffix(":both"), definition=json.dumps(two["Properties"]["Definition"])
    )
    del second["Properties"]["StateMachineRevisionId"]
    stacks(Machine=one, Version=first, Second=second, Both=route(30))
    assert weights(states, arn) == {1: 30, 2: 70}


def test_a_version_of_another_revision_fails_the_resource(stacks):
    """So that a template cannot publish what somebody changed meanwhile."""
    stale = version("Machine", StateMachineRevisionId="11111111-2222-3333-4444-555555555555")

    with pytest.raises(BlueprintError, match=r"Version \(AWS::StepFunctions::StateMachineVersion\).*revision"):
        stacks(Machine=machine(Definition=passing(1)), Version=stale)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "Exactly one of RoutingConfiguration and DeploymentPreference"),
        (
            {
                "DeploymentPreference": {"Type": "ALL_AT_ONCE", "StateMachineVersionArn": {"Ref": "Version"}},
                "RoutingConfiguration": [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": 100}],
            },
            "Exactly one of RoutingConfiguration and DeploymentPreference",
        ),
        (
            {"DeploymentPreference": {"Type": "CANARY", "StateMachineVersionArn": {"Ref": "Version"}}},
            "Deployments of type CANARY need Percentage and Interval",
        ),
    ],
    ids=["neither", "both", "canary without steps"],
)
def test_an_alias_says_in_one_way_where_it_goes(stacks, properties, reason):
    unclear = {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": {"Name": "live", **properties}}

    with pytest.raises(BlueprintError, match=reason):
        stacks(Machine=machine(Definition=passing(1)), Version=version("Machine"), Alias=unclear)


def test_a_version_that_is_not_retained_is_deleted_when_another_replaces_it(stacks, states):
    """After the alias has left it."""

    def deploy(result):
        last = version("Machine")
        resources = {"Machine": machine(Definition=passing(result)), "Alias": alias()}
        return stacks(**resources, Version={"Type": last["Type"], "Properties": last["Properties"]})

    deploy("one")
    deployed = deploy("two")

    versions = states.list_state_machine_versions(stateMachineArn=deployed.outputs["Machine"])["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in versions] == [deployed.outputs["Version"]]
    assert deployed.outputs["Version"].endswith(":2")
    assert weights(states, deployed.outputs["Alias"]) == {2: 100}


def test_activities_have_tags_and_a_name(stacks, states):
    def activity(**tags):
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        return {"Type": "AWS::StepFunctions::Activity", "Properties": {"Name": stacks.name, "Tags": listed}}

    arn = stacks(Activity=activity(team="blue")).outputs["Activity"]
    assert states.describe_activity(activityArn=arn)["name"] == stacks.name

    assert stacks(Activity=activity(team="red")).outputs["Activity"] == arn
    tags = {each["key"]: each["value"] for each in states.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert tags["team"] == "red"
