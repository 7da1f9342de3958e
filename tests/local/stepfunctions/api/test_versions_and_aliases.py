"""Versions keep a revision; aliases route executions to versions by weight."""

from collections import Counter

import pytest

from tests.local.stepfunctions.api.machines import PASS, definition, refused, unique


def numbered(number):
    return {"Only": {"Type": "Pass", "Result": number, "End": True}}


def weights(arn, **by_version):
    return [
        {"stateMachineVersionArn": f"{arn}:{name.removeprefix('v')}", "weight": weight}
        for name, weight in by_version.items()
    ]


@pytest.fixture
def versions(states, machines):
    """Makes a machine with so many versions; each returns its number."""

    def make(count):
        arn = machines.create(numbered(1), publish=True)
        for number in range(2, count + 1):
            states.update_state_machine(stateMachineArn=arn, definition=definition(numbered(number)), publish=True)
        return arn

    return make


def listed(states, arn):
    found = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    return [each["stateMachineVersionArn"].removeprefix(f"{arn}:") for each in found]


def test_a_version_keeps_its_revision(states, machines):
    arn = machines.create(numbered(1), publish=True, versionDescription="first")
    updated = states.update_state_machine(
        stateMachineArn=arn, definition=definition(numbered(2)), publish=True, versionDescription="second"
    )

    assert updated["stateMachineVersionArn"] == f"{arn}:2"
    assert listed(states, arn) == ["2", "1"]
    first = states.describe_state_machine(stateMachineArn=f"{arn}:1")
    assert (first["stateMachineArn"], first["description"]) == (f"{arn}:1", "first")
    assert first["definition"] == definition(numbered(1))
    second = states.describe_state_machine(stateMachineArn=f"{arn}:2")
    assert (second["revisionId"], second["description"]) == (updated["revisionId"], "second")
    with refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}:3'"):
        states.describe_state_machine(stateMachineArn=f"{arn}:3")


def test_publishing_a_published_revision_finds_its_version(states, machines):
    arn = machines.create(PASS)

    first = states.publish_state_machine_version(stateMachineArn=arn, description="one")
    again = states.publish_state_machine_version(stateMachineArn=arn, revisionId="INITIAL")

    assert first["stateMachineVersionArn"] == again["stateMachineVersionArn"] == f"{arn}:1"
    assert states.update_state_machine(stateMachineArn=arn, publish=True)["stateMachineVersionArn"] == f"{arn}:1"


def test_publishing_another_revision_than_the_present_one_is_refused(states, machines):
    arn = machines.create(numbered(1))
    old = states.update_state_machine(stateMachineArn=arn, definition=definition(numbered(2)))["revisionId"]
    new = states.update_state_machine(stateMachineArn=arn, definition=definition(numbered(3)))["revisionId"]

    with refused(
        "ConflictException",
        f"Failed to publish the State Machine version for revision {old}. The current State Machine revision is {new}.",
    ):
        states.publish_state_machine_version(stateMachineArn=arn, revisionId=old)

    assert listed(states, arn) == []


def test_numbers_of_deleted_versions_are_not_used_again(states, versions):
    arn = versions(2)

    states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    published = states.publish_state_machine_version(stateMachineArn=arn)

    assert published["stateMachineVersionArn"] == f"{arn}:3"
    assert listed(states, arn) == ["3", "1"]


def test_versions_are_listed_in_pages(states, versions):
    arn = versions(3)

    first = states.list_state_machine_versions(stateMachineArn=arn, maxResults=2)
    second = states.list_state_machine_versions(stateMachineArn=arn, maxResults=2, nextToken=first["nextToken"])

    assert [len(each["stateMachineVersions"]) for each in (first, second)] == [2, 1]
    assert second["stateMachineVersions"][0]["stateMachineVersionArn"] == f"{arn}:1"
    with refused("InvalidToken", "Invalid Token: 'Invalid token'"):
        states.list_state_machine_versions(stateMachineArn=arn, nextToken="bm8=")


def test_an_execution_of_a_version_runs_that_version(states, machines, versions):
    arn = versions(2)

    old = machines.run(f"{arn}:1")
    present = machines.run(arn)

    assert (old["output"], old["stateMachineArn"], old["stateMachineVersionArn"]) == ("1", arn, f"{arn}:1")
    assert present["output"] == "2"
    assert not {"stateMachineVersionArn", "stateMachineAliasArn"} & set(present)
    found = states.list_executions(stateMachineArn=f"{arn}:1")["executions"]
    assert [each["executionArn"] for each in found] == [old["executionArn"]]
    assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 2


def test_an_alias_routes_each_execution_to_one_version_by_weight(states, machines, versions):
    arn = versions(2)
    alias = states.create_state_machine_alias(name="live", routingConfiguration=weights(arn, v1=50, v2=50))
    alias_arn = alias["stateMachineAliasArn"]

    ran = [machines.run(alias_arn) for _ in range(40)]

    assert alias_arn == f"{arn}:live"
    assert {each["output"]: each["stateMachineVersionArn"] for each in ran} == {"1": f"{arn}:1", "2": f"{arn}:2"}
    assert {each["stateMachineAliasArn"] for each in ran} == {alias_arn}
    found = states.list_executions(stateMachineArn=alias_arn)["executions"]
    assert {each["executionArn"] for each in found} == {each["executionArn"] for each in ran}
    started = states.get_execution_history(executionArn=ran[0]["executionArn"])["events"][0]
    assert started["executionStartedEventDetails"]["stateMachineAliasArn"] == alias_arn


def test_a_version_without_weight_is_never_chosen(states, machines, versions):
    arn = versions(2)
    alias = states.create_state_machine_alias(name="live", routingConfiguration=weights(arn, v1=0, v2=100))

    outputs = Counter(machines.run(alias["stateMachineAliasArn"])["output"] for _ in range(10))

    assert outputs == {"2": 10}


def test_a_changed_alias_routes_later_executions(states, machines, versions):
    arn = versions(2)
    alias = states.create_state_machine_alias(
        name="live", description="traffic", routingConfiguration=weights(arn, v1=100)
    )["stateMachineAliasArn"]
    before = machines.run(alias)["output"]

    states.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=weights(arn, v2=100))

    assert (before, machines.run(alias)["output"]) == ("1", "2")
    described = states.describe_state_machine_alias(stateMachineAliasArn=alias)
    assert (described["name"], described["description"]) == ("live", "traffic")
    assert described["routingConfiguration"] == weights(arn, v2=100)
    assert described["updateDate"] >= described["creationDate"]


def test_creating_the_same_alias_again_finds_it(states, versions):
    arn = versions(2)
    first = states.create_state_machine_alias(name="live", routingConfiguration=weights(arn, v1=100))

    again = states.create_state_machine_alias(name="live", routingConfiguration=weights(arn, v1=100))

    assert first["creationDate"] == again["creationDate"]
    words = "Failed to create alias because an alias with the same name and a different routing configuration already"
    with refused("ConflictException", words):
        states.create_state_machine_alias(name="live", routingConfiguration=weights(arn, v2=100))
    with refused("ConflictException", words):
        states.create_state_machine_alias(name="live", description="other", routingConfiguration=weights(arn, v1=100))


def test_routing_that_cannot_work_is_refused(states, machines, versions):
    arn, other = versions(3), machines.create(PASS, publish=True)

    def create(routing, name="live"):
        states.create_state_machine_alias(name=name, routingConfiguration=routing)

    for routing, words in [
        (weights(arn, v1=70, v2=29), "Sum of routing configuration weights must equal 100. Received: [70, 29]"),
        (
            [*weights(arn, v1=50), *weights(arn, v1=50)],
            f"Routing configuration must contain distinct state machine version ARNs. Received: [{arn}:1, {arn}:1]",
        ),
        (
            [{"stateMachineVersionArn": arn, "weight": 100}],
            f"Routing configuration must contain state machine version ARNs. Received: [{arn}]",
        ),
        ([*weights(arn, v1=50), *weights(other, v1=50)], "must contain versions of the same state machine"),
        (weights(arn, v1=50, v2=30, v3=20), "at 'routingConfiguration' failed to satisfy constraint: Member must have"),
        (
            weights(arn, v1=101),
            "Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy constraint: Member must have",
        ),
    ]:
        with refused("ValidationException", words):
            create(routing)
    with refused("ResourceNotFound", "Request references a resource that does not exist."):
        create(weights(arn, v9=100))
    for name in ("123", "IN VALID", "!no", "at@"):
        with refused("ValidationException", "at 'name' failed to satisfy constraint: Member must satisfy regular"):
            create(weights(arn, v1=100), name=name)
    assert states.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"] == []


def test_a_version_that_an_alias_refers_to_is_not_deleted(states, machines, versions):
    arn = versions(2)
    states.create_state_machine_alias(name="live", routingConfiguration=weights(arn, v1=90, v2=10))

    with refused(
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: "
        "[live]",
    ):
        states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:1")

    states.delete_state_machine_alias(stateMachineAliasArn=f"{arn}:live")
    states.delete_state_machine_alias(stateMachineAliasArn=f"{arn}:live")
    states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:1")
    assert listed(states, arn) == ["2"]
    for operation in (states.describe_state_machine_alias, states.update_state_machine_alias):
        extra = {"description": "x"} if operation == states.update_state_machine_alias else {}
        with refused("ResourceNotFound", "Request references a resource that does not exist."):
            operation(stateMachineAliasArn=f"{arn}:live", **extra)
    with refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}:live'"):
        machines.run(f"{arn}:live")


def test_aliases_are_listed_of_a_machine_and_of_a_version_in_pages(states, versions):
    arn = versions(2)
    for name, routing in [("a-1", weights(arn, v1=100)), ("b-2", weights(arn, v2=100)), ("c-3", weights(arn, v1=100))]:
        states.create_state_machine_alias(name=name, routingConfiguration=routing)

    def names(**parameters):
        answer = states.list_state_machine_aliases(**parameters)
        return [each["stateMachineAliasArn"].rsplit(":")[-1] for each in answer["stateMachineAliases"]]

    first = states.list_state_machine_aliases(stateMachineArn=arn, maxResults=1)

    assert names(stateMachineArn=arn) == ["a-1", "b-2", "c-3"]
    assert names(stateMachineArn=f"{arn}:1") == ["a-1", "c-3"]
    assert names(stateMachineArn=arn, maxResults=1, nextToken=first["nextToken"]) == ["b-2"]


def test_a_name_is_taken_by_an_execution_of_another_version(states, versions):
    arn, name = versions(2), unique("taken")
    states.start_execution(stateMachineArn=f"{arn}:1", name=name)

    with refused("ExecutionAlreadyExists", "Execution Already Exists"):
        states.start_execution(stateMachineArn=f"{arn}:2", name=name)
