"""State machines through the API: created once, checked, updated, described, deleted."""

import json

import pytest

from blueprints.local.cloud import ACCOUNT, owner_client
from tests.local.stepfunctions.api.conftest import make_role
from tests.local.stepfunctions.api.machines import LONG_WAIT, PASS, definition, refused, unique

OTHER = {"Other": {"Type": "Succeed"}}


@pytest.fixture(scope="module")
def log_group(cloud):
    name = unique("log-group")
    cloud.client("logs").create_log_group(logGroupName=name)
    return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}:*"


def logging(*log_group_arns, level="ALL"):
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": each}} for each in log_group_arns]
    return {"level": level, "includeExecutionData": False, "destinations": destinations}


def test_a_created_machine_is_described(states, machines, role):
    arn = machines.create(PASS, name="described-machine")

    described = states.describe_state_machine(stateMachineArn=arn)

    assert arn == f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:described-machine"
    assert json.loads(described["definition"])["StartAt"] == "Only"
    assert {name: described[name] for name in ("name", "roleArn", "status", "type", "stateMachineArn")} == {
        "name": "described-machine",
        "roleArn": role,
        "status": "ACTIVE",
        "type": "STANDARD",
        "stateMachineArn": arn,
    }
    assert described["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}
    assert described["tracingConfiguration"] == {"enabled": False}
    assert described["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    assert not {"revisionId", "description", "label"} & set(described)
    hidden = states.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    assert hidden["definition"] == "{}"


def test_the_variables_that_states_read_are_described(states, machines):
    arn = machines.create(
        {
            "First": {"Type": "Pass", "Assign": {"total": 1}, "Next": "Second"},
            "Second": {"Type": "Pass", "Parameters": {"total.$": "$total"}, "End": True},
        }
    )
    execution = machines.run(arn)["executionArn"]

    described = states.describe_state_machine(stateMachineArn=arn)
    ran = states.describe_state_machine_for_execution(executionArn=execution)

    assert described["variableReferences"] == ran["variableReferences"] == {"Second": ["total"]}


def test_creating_the_same_machine_again_finds_it(states, machines, cloud):
    name = unique("same")
    other_role = make_role(cloud, "states.amazonaws.com")
    arn = machines.create(PASS, name=name)
    created = states.describe_state_machine(stateMachineArn=arn)["creationDate"]

    again = states.create_state_machine(name=name, definition=definition(PASS), roleArn=other_role)

    assert (again["stateMachineArn"], again["creationDate"]) == (arn, created)
    assert states.describe_state_machine(stateMachineArn=arn)["roleArn"] == machines.role


@pytest.mark.parametrize(
    "changes",
    [
        {"definition": definition(OTHER)},
        {"definition": json.dumps(json.loads(definition(PASS)), indent=1)},
        {"type": "EXPRESS"},
        {"tracingConfiguration": {"enabled": True}},
        {"publish": True},
    ],
    ids=["definition", "white space", "type", "tracing", "publish"],
)
def test_creating_another_machine_of_the_same_name_is_refused(states, machines, role, changes):
    name = unique("taken")
    arn = machines.create(PASS, name=name)

    with refused("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'"):
        states.create_state_machine(**{"name": name, "definition": definition(PASS), "roleArn": role, **changes})

    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])["StartAt"] == "Only"


@pytest.mark.parametrize("name", ["with space", "a<b", "a?b", "a#b", "a:b", "a\x7fb"])
def test_names_with_forbidden_characters_are_refused(machines, name):
    with refused("InvalidName", f"Invalid Name: '{name}'"):
        machines.create(PASS, name=name)


def test_a_name_that_is_too_long_is_refused_as_the_model_says(machines):
    with refused("ValidationException", "at 'name' failed to satisfy constraint: Member must have length less than or"):
        machines.create(PASS, name="a" * 81)


def test_a_definition_that_is_not_json_is_refused_and_creates_nothing(states, role):
    name = unique("broken")

    with refused("InvalidDefinition", "Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: "):
        states.create_state_machine(name=name, definition="{", roleArn=role)

    with refused("StateMachineDoesNotExist", name):
        states.describe_state_machine(stateMachineArn=f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}")


def test_a_role_that_step_functions_may_not_assume_is_refused(states, machines, cloud):
    other = make_role(cloud, "lambda.amazonaws.com", "*")
    words = (
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
        "provided role."
    )
    with refused("AccessDeniedException", words):
        machines.create(PASS, roleArn=other)
    with refused("AccessDeniedException", words):
        machines.create(PASS, roleArn=f"arn:aws:iam::{ACCOUNT}:role/none")
    with refused("AccessDeniedException", "Cross-account pass role is not allowed."):
        machines.create(PASS, roleArn="arn:aws:iam::111111111111:role/none")
    with refused("InvalidArn", "Invalid Role Arn: 'operator'"):
        machines.create(PASS, roleArn="operator")
    arn = machines.create(PASS)
    with refused("AccessDeniedException", words):
        states.update_state_machine(stateMachineArn=arn, roleArn=other)
    assert machines.create(PASS, roleArn=make_role(cloud, "states.us-east-1.amazonaws.com"))


def test_a_log_destination_has_to_exist_and_to_be_allowed(states, machines, cloud, log_group):
    exactly_one = "Invalid Logging Configuration: Must specify exactly one Log Destination."
    gone = log_group.replace("log-group:log-group", "log-group:gone")
    for faulty, words in [
        (logging(), exactly_one),
        ({"level": "ALL"}, exactly_one),
        (logging(log_group, log_group), exactly_one),
        (logging(gone), "Invalid Logging Configuration: Log Destination not found."),
        (logging(log_group.removesuffix(":*")), "ends with ':*'"),
    ]:
        with refused("InvalidLoggingConfiguration", words):
            machines.create(PASS, loggingConfiguration=faulty)
    denied = "The state machine IAM Role is not authorized to access the Log Destination"
    with refused("AccessDeniedException", denied):
        machines.create(
            PASS,
            loggingConfiguration=logging(log_group),
            roleArn=make_role(cloud, "states.amazonaws.com", "logs:CreateLogDelivery"),
        )
    arn = machines.create(PASS, loggingConfiguration=logging(log_group))
    assert states.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"] == logging(log_group)
    with refused("InvalidLoggingConfiguration", exactly_one):
        states.update_state_machine(stateMachineArn=arn, loggingConfiguration=logging())
    assert states.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"] == logging(log_group)


def test_a_key_of_ones_own_is_kept_and_a_wrong_combination_is_refused(states, machines):
    own = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/mine"}

    arn = machines.create(PASS, encryptionConfiguration=own)

    described = states.describe_state_machine(stateMachineArn=arn)["encryptionConfiguration"]
    assert described == {**own, "kmsDataKeyReusePeriodSeconds": 300}
    with refused("InvalidEncryptionConfiguration", "Must set a valid kmsKeyId"):
        machines.create(PASS, encryptionConfiguration={"type": "CUSTOMER_MANAGED_KMS_KEY"})
    with refused("InvalidEncryptionConfiguration", "kmsKeyId is not allowed when selecting AWS_OWNED_KEY"):
        machines.create(PASS, encryptionConfiguration={"type": "AWS_OWNED_KEY", "kmsKeyId": "alias/mine"})


def test_an_update_changes_what_later_executions_run(states, machines):
    arn = machines.create({"Only": {"Type": "Pass", "Result": 1, "End": True}})
    running = states.start_execution(stateMachineArn=machines.create(LONG_WAIT))["executionArn"]
    before = machines.run(arn)

    first = states.update_state_machine(
        stateMachineArn=arn, definition=definition({"Only": {"Type": "Pass", "Result": 2, "End": True}})
    )
    same = states.update_state_machine(
        stateMachineArn=arn, definition=definition({"Only": {"Type": "Pass", "Result": 2, "End": True}})
    )

    assert (before["output"], machines.run(arn)["output"]) == ("1", "2")
    assert first["revisionId"] == same["revisionId"]
    assert states.describe_state_machine(stateMachineArn=arn)["revisionId"] == first["revisionId"]
    ran = states.describe_state_machine_for_execution(executionArn=before["executionArn"])
    assert json.loads(ran["definition"])["States"]["Only"]["Result"] == 1
    assert (ran["stateMachineArn"], "revisionId" in ran, "mapRunArn" in ran) == (arn, False, False)
    states.stop_execution(executionArn=running)


def test_updates_without_changes_and_with_faults_change_nothing(states, machines):
    arn = machines.create(PASS)
    described = states.describe_state_machine(stateMachineArn=arn)

    with refused("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, or the"):
        states.update_state_machine(stateMachineArn=arn)
    with refused("InvalidDefinition", "Invalid State Machine Definition: "):
        states.update_state_machine(stateMachineArn=arn, definition="{")
    with refused("ValidationException", "Version description can only be set when publish is true"):
        states.update_state_machine(stateMachineArn=arn, definition=definition(OTHER), versionDescription="x")
    with refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}:1'"):
        states.update_state_machine(stateMachineArn=f"{arn}:1", definition=definition(OTHER))

    again = states.describe_state_machine(stateMachineArn=arn)
    assert {**again, "ResponseMetadata": 0} == {**described, "ResponseMetadata": 0}


def test_a_deleted_machine_goes_when_its_last_execution_has_ended(states, machines):
    name = unique("deleted")
    arn = machines.create(LONG_WAIT, name=name)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]

    states.delete_state_machine(stateMachineArn=arn)

    assert states.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    with refused("StateMachineDeleting", f"State Machine is being deleted: '{arn}'"):
        states.start_execution(stateMachineArn=arn)
    with refused("StateMachineDeleting", f"State Machine is being deleted: '{arn}'"):
        machines.create(LONG_WAIT, name=name)
    states.stop_execution(executionArn=execution)
    with refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'"):
        states.describe_state_machine(stateMachineArn=arn)
    with refused("ExecutionDoesNotExist", execution):
        states.describe_execution(executionArn=execution)
    states.delete_state_machine(stateMachineArn=arn)
    assert machines.create(PASS, name=name) == arn


def test_machines_are_listed_by_account_and_region(machines, cloud, states):
    names = sorted(unique("listed") for _ in range(3))
    for name in names:
        machines.create(PASS, name=name)

    pages = states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
    listed = [each["name"] for page in pages for each in page["stateMachines"]]

    assert [each for each in listed if each in names] == names
    elsewhere = owner_client(cloud.endpoint, "stepfunctions", "eu-central-1")
    assert elsewhere.list_state_machines()["stateMachines"] == []
    with refused("ValidationException", "Value '1001' at 'maxResults' failed to satisfy constraint"):
        states.list_state_machines(maxResults=1001)


def test_tags_of_machines_are_kept_changed_and_counted(states, machines):
    arn = machines.create(PASS, tags=[{"key": "team", "value": "orders"}, {"key": "stage", "value": "test"}])

    states.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "stock"}, {"key": "empty", "value": ""}])
    states.untag_resource(resourceArn=arn, tagKeys=["stage", "none"])

    tags = {each["key"]: each["value"] for each in states.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert tags == {"team": "stock", "empty": ""}
    with refused("TooManyTags", arn):
        states.tag_resource(resourceArn=arn, tags=[{"key": f"key{number}", "value": ""} for number in range(49)])
    assert len(states.list_tags_for_resource(resourceArn=arn)["tags"]) == 2
    with refused("ResourceNotFound", f"Resource not found: '{arn}:1'"):
        states.tag_resource(resourceArn=f"{arn}:1", tags=[{"key": "a", "value": "b"}])
