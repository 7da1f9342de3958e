"""Definitions are validated with and without creating a state machine, with the same words."""

import json

import pytest

from tests.local.stepfunctions.api.machines import PASS, definition, refused

NO_START = json.dumps({"States": PASS})
TOKEN = {
    "Send": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "u", "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
}

UNKNOWN = {"Send": {"Type": "Task", "Resource": "arn:aws:states:::sqs:send", "End": True}}


def test_a_definition_without_faults_is_ok(states):
    answer = states.validate_state_machine_definition(definition=definition(PASS), type="EXPRESS")

    assert (answer["result"], answer["diagnostics"], answer["truncated"]) == ("OK", [], False)


@pytest.mark.parametrize(
    ("text", "kind", "code", "location", "message"),
    [
        (NO_START, "STANDARD", "SCHEMA_VALIDATION_FAILED", "/", "These fields are required: [StartAt]"),
        (
            definition(TOKEN),
            "EXPRESS",
            "SCHEMA_VALIDATION_FAILED",
            "/States/Send/Resource",
            "Express state machine does not support '.waitForTaskToken' service integration",
        ),
        (
            definition({"Many": {"Type": "Parallel", "Branches": [json.loads(definition(UNKNOWN))], "End": True}}),
            "STANDARD",
            "SCHEMA_VALIDATION_FAILED",
            "/States/Many/Branches[0]/States/Send/Resource",
            "The resource provided arn:aws:states:::sqs:send is not recognized.",
        ),
        (
            "not a definition",
            "STANDARD",
            "INVALID_JSON_DESCRIPTION",
            '[Source: (String)"not a definition"; line: 1, column: 4]',
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or",
        ),
        (" ", "STANDARD", "SCHEMA_VALIDATION_FAILED", None, "Definition must be a valid JSON object"),
        (
            definition({"Wrong": {"Type": "Loop"}}),
            "STANDARD",
            "SCHEMA_VALIDATION_FAILED",
            "/States/Wrong/Type",
            "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel,",
        ),
        (
            definition({"Both": {"Type": "Parallel", "Branches": [], "End": True}}),
            "STANDARD",
            "SCHEMA_VALIDATION_FAILED",
            "/States/Both/Branches",
            "Value cannot be empty",
        ),
    ],
    ids=["StartAt", "EXPRESS", "Resource", "JSON", "empty", "Type", "Branches"],
)
def test_a_fault_is_named_with_its_place(states, text, kind, code, location, message):
    answer = states.validate_state_machine_definition(definition=text, type=kind)

    assert answer["result"] == "FAIL"
    fault = answer["diagnostics"][0]
    assert (fault["severity"], fault["code"]) == ("ERROR", code)
    assert message in fault["message"]
    assert fault.get("location") == location


def test_faults_are_counted(states):
    lost = {name: {"Type": "Pass", "Next": "Nowhere"} for name in "ABC"}

    every = states.validate_state_machine_definition(definition=definition(lost))
    first = states.validate_state_machine_definition(definition=definition(lost), maxResults=1)

    assert len(every["diagnostics"]) > 1
    assert (first["diagnostics"], first["truncated"]) == (every["diagnostics"][:1], True)


def test_what_validation_finds_is_refused_at_creation(machines):
    with refused(
        "InvalidDefinition",
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /'",
    ):
        machines.create(PASS, definition=NO_START)
    with refused("InvalidDefinition", "Express state machine does not support '.waitForTaskToken' service integration"):
        machines.create(TOKEN, type="EXPRESS")
    assert machines.create(TOKEN)
