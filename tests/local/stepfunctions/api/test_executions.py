"""Executions through the API: started once per name, described, listed, stopped, redriven."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local.stepfunctions.api.machines import FAIL, LONG_WAIT, PASS, refused, unique

FLAKY = {
    "Ready": {"Type": "Pass", "Result": {"fail": True}, "Next": "Check"},
    "Check": {"Type": "Choice", "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "Failing"}]},
    **FAIL,
}


def test_an_execution_runs_and_is_described(states, machines, role):
    arn = machines.create({"Only": {"Type": "Pass", "Result": {"done": True}, "End": True}})

    described = machines.run(arn, {"order": 1}, name="first")

    assert described["executionArn"] == arn.replace(":stateMachine:", ":execution:") + ":first"
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"done": True})
    assert (described["stateMachineArn"], described["input"]) == (arn, '{"order": 1}')
    assert described["inputDetails"] == described["outputDetails"] == {"included": True}
    assert described["stopDate"] >= described["startDate"]
    assert described["redriveStatus"] == "NOT_REDRIVABLE"
    assert described["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    events = states.get_execution_history(executionArn=described["executionArn"])["events"]
    assert [each["type"] for each in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert events[0]["executionStartedEventDetails"]["roleArn"] == role


def test_metadata_only_hides_input_and_output(states, machines):
    execution = machines.run(machines.create(PASS), {"secret": 1})["executionArn"]

    described = states.describe_execution(executionArn=execution, includedData="METADATA_ONLY")

    assert not {"input", "output"} & set(described)
    assert described["inputDetails"] == described["outputDetails"] == {"included": False}


def test_a_failed_execution_shows_error_and_cause(machines):
    described = machines.run(machines.create(FAIL))

    assert (described["status"], described["error"], described["cause"]) == ("FAILED", "Broken", "on purpose")
    assert "output" not in described
    assert described["redriveStatus"] == "REDRIVABLE"
    assert "redriveStatusReason" not in described


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "not some json",
            "'Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null'",
        ),
        ("{'not': 'json'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ("", "'Invalid execution input.'"),
        ("NaN", "NaN"),
        ("[" * 5_000 + "]" * 5_000, "nested too deeply"),
        (json.dumps("é" * 131_072, ensure_ascii=False), "exceeds the maximum size of 262144 bytes"),
    ],
    ids=["word", "quotes", "empty", "NaN", "deep", "bytes"],
)
def test_input_that_is_not_json_or_too_large_is_refused(states, machines, text, message):
    arn = machines.create(PASS)

    with refused("InvalidExecutionInput", message):
        states.start_execution(stateMachineArn=arn, input=text)

    assert states.list_executions(stateMachineArn=arn)["executions"] == []


def test_input_of_too_many_characters_is_refused_as_the_model_says(states, machines):
    with refused("ValidationException", "at 'input' failed to satisfy constraint: Member must have length less than"):
        states.start_execution(stateMachineArn=machines.create(PASS), input='"' + "a" * 262_144 + '"')


@pytest.mark.parametrize("text", ["2", '"text"', "null", '"' + "é" * 131_071 + '"'])
def test_any_json_value_is_input(machines, text):
    arn = machines.create(PASS)

    described = machines.run(arn, json.loads(text))

    assert json.loads(described["output"]) == json.loads(text)


def test_a_name_starts_one_execution(states, machines):
    arn, name = machines.create(LONG_WAIT), unique("once")
    first = states.start_execution(stateMachineArn=arn, name=name, input='{"a": 1}')

    again = states.start_execution(stateMachineArn=arn, name=name, input='{"a": 1}')

    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    with refused("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'"):
        states.start_execution(stateMachineArn=arn, name=name, input='{"a": 2}')
    states.stop_execution(executionArn=first["executionArn"])
    with refused("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'"):
        states.start_execution(stateMachineArn=arn, name=name, input='{"a": 1}')
    assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 1


def test_requests_at_the_same_time_start_one_execution(states, cloud, machines):
    arn, name = machines.create(LONG_WAIT), unique("at-once")
    clients = [cloud.client("stepfunctions") for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda each: each.start_execution(stateMachineArn=arn, name=name, input="1"), clients))

    assert len({(each["executionArn"], each["startDate"]) for each in answers}) == 1
    (execution,) = states.list_executions(stateMachineArn=arn)["executions"]
    states.stop_execution(executionArn=execution["executionArn"])


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "a*", "tab\t", "a$b", "a\u0085"])
def test_names_with_forbidden_characters_are_refused(states, machines, name):
    with refused("InvalidName", f"Invalid Name: '{name}'"):
        states.start_execution(stateMachineArn=machines.create(PASS), name=name)


def test_names_with_other_punctuation_and_letters_are_accepted(machines):
    described = machines.run(machines.create(PASS), name="a.b-c_d=e+f@g!h(i)é")

    assert described["name"] == "a.b-c_d=e+f@g!h(i)é"


def test_what_does_not_exist_and_malformed_arns_are_refused_in_the_words_of_aws(states, machines):
    arn = machines.create(PASS)
    execution = arn.replace(":stateMachine:", ":execution:") + ":none"
    with refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}x'"):
        states.start_execution(stateMachineArn=f"{arn}x")
    with refused("ExecutionDoesNotExist", f"Execution Does Not Exist: '{execution}'"):
        states.describe_execution(executionArn=execution)
    with refused("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: order'"):
        states.get_execution_history(executionArn="order")
    with refused("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: stateMachine'"):
        states.stop_execution(executionArn=arn)
    with refused("StateMachineDoesNotExist", "State Machine Does Not Exist"):
        states.start_execution(stateMachineArn=arn.replace("us-east-1", "eu-west-1"))


def test_executions_are_listed_newest_first_in_pages_that_new_ones_do_not_shift(states, machines):
    arn = machines.create(PASS)
    started = [machines.run(arn, name=f"run-{number}")["executionArn"] for number in range(5)]

    page = states.list_executions(stateMachineArn=arn, maxResults=2)
    machines.run(arn, name="late")
    following = states.list_executions(stateMachineArn=arn, maxResults=2, nextToken=page["nextToken"])
    last = states.list_executions(stateMachineArn=arn, maxResults=2, nextToken=following["nextToken"])

    listed = [each["executionArn"] for part in (page, following, last) for each in part["executions"]]
    assert listed == started[::-1]
    assert "nextToken" not in last
    with refused("InvalidToken", "Invalid Token: 'Invalid token'"):
        states.list_executions(stateMachineArn=arn, nextToken="made up")
    with refused("InvalidToken", "Invalid Token: 'Invalid token'"):
        states.list_executions(stateMachineArn=arn, statusFilter="FAILED", nextToken=page["nextToken"])


def test_executions_are_listed_by_status_and_by_redrive(states, machines):
    arn = machines.create(FLAKY)
    failed = machines.run(arn, name="failed")["executionArn"]
    redriven = machines.run(arn, name="redriven")["executionArn"]
    states.redrive_execution(executionArn=redriven)
    machines.ended(redriven)

    def listed(**filters):
        found = states.list_executions(stateMachineArn=arn, **filters)["executions"]
        return {each["executionArn"] for each in found}

    assert listed(statusFilter="FAILED") == {failed, redriven}
    assert listed(statusFilter="SUCCEEDED") == set()
    assert listed(redriveFilter="REDRIVEN") == {redriven}
    assert listed(redriveFilter="NOT_REDRIVEN") == {failed}
    with refused("ValidationException", "Value 'failed' at 'statusFilter' failed to satisfy constraint: Member must"):
        listed(statusFilter="failed")
    with refused("ValidationException", "Value '1001' at 'maxResults' failed to satisfy constraint: Member must have"):
        listed(maxResults=1001)
    with refused("ValidationException", "Exactly one of stateMachineArn and mapRunArn"):
        states.list_executions()


def test_history_comes_in_pages_in_both_directions_and_without_data(states, machines):
    execution = machines.run(machines.create(PASS), {"a": 1})["executionArn"]

    def ids(**parameters):
        pages = states.get_paginator("get_execution_history").paginate(executionArn=execution, **parameters)
        return [each["id"] for page in pages for each in page["events"]]

    assert ids() == [1, 2, 3, 4]
    assert ids(PaginationConfig={"PageSize": 3}) == [1, 2, 3, 4]
    assert ids(reverseOrder=True, PaginationConfig={"PageSize": 1}) == [4, 3, 2, 1]
    events = states.get_execution_history(executionArn=execution, includeExecutionData=False)["events"]
    assert "input" not in events[1]["stateEnteredEventDetails"]
    assert events[1]["stateEnteredEventDetails"]["name"] == "Only"
    assert "output" not in events[3]["executionSucceededEventDetails"]
    assert "input" in states.get_execution_history(executionArn=execution)["events"][0]["executionStartedEventDetails"]


def test_a_stopped_execution_is_aborted(states, machines):
    arn = machines.create(LONG_WAIT)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]

    stopped = states.stop_execution(executionArn=execution, error="Halt", cause="enough")

    described = states.describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Halt", "enough")
    assert described["stopDate"] == stopped["stopDate"]
    last = states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"][0]
    assert last["previousEventId"] == 0
    assert (last["type"], last["executionAbortedEventDetails"]) == (
        "ExecutionAborted",
        {"error": "Halt", "cause": "enough"},
    )
    assert states.stop_execution(executionArn=execution, error="Later")["stopDate"] == stopped["stopDate"]
    assert states.describe_execution(executionArn=execution)["error"] == "Halt"


def test_a_redrive_runs_the_failed_state_again(states, machines):
    execution = machines.run(machines.create(FLAKY))["executionArn"]

    answer = states.redrive_execution(executionArn=execution, clientToken="one")

    described = machines.ended(execution)
    assert (described["status"], described["redriveCount"]) == ("FAILED", 1)
    assert described["redriveDate"] == answer["redriveDate"]
    assert states.redrive_execution(executionArn=execution, clientToken="one")["redriveDate"] == answer["redriveDate"]
    assert states.describe_execution(executionArn=execution)["redriveCount"] == 1
    events = states.get_execution_history(executionArn=execution)["events"]
    assert [each["type"] for each in events].count("PassStateEntered") == 1
    assert [each["type"] for each in events].count("ExecutionRedriven") == 1


def test_executions_that_run_or_succeeded_are_not_redriven(states, machines):
    running = states.start_execution(stateMachineArn=machines.create(LONG_WAIT))["executionArn"]
    succeeded = machines.run(machines.create(PASS))["executionArn"]

    with refused("ExecutionNotRedrivable", "Execution is RUNNING and cannot be redriven"):
        states.redrive_execution(executionArn=running)
    with refused("ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven"):
        states.redrive_execution(executionArn=succeeded)
    states.stop_execution(executionArn=running)


def test_express_executions_end_with_their_answer(states, machines):
    arn = machines.create(PASS, type="EXPRESS")

    answer = states.start_sync_execution(stateMachineArn=arn, name="order", input='{"a": 1}', traceHeader="Root=1")

    assert answer["executionArn"].startswith(f"{arn.replace(':stateMachine:', ':express:')}:order:")
    assert (answer["status"], answer["output"], answer["input"]) == ("SUCCEEDED", '{"a":1}', '{"a": 1}')
    assert answer["billingDetails"] == {"billedDurationInMilliseconds": 100, "billedMemoryUsedInMB": 64}
    assert (answer["stateMachineArn"], answer["name"], answer["traceHeader"]) == (arn, "order", "Root=1")
    failed = states.start_sync_execution(stateMachineArn=machines.create(FAIL, type="EXPRESS"))
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Broken", "on purpose")
    assert "output" not in failed


def test_express_executions_are_not_described_or_listed(states, machines):
    arn = machines.create(PASS, type="EXPRESS")
    name = unique("twice")

    first, second = (states.start_execution(stateMachineArn=arn, name=name)["executionArn"] for _ in range(2))

    assert first != second
    for operation in (states.describe_execution, states.stop_execution, states.get_execution_history):
        with refused("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'"):
            operation(executionArn=first)
    with refused("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"):
        states.list_executions(stateMachineArn=arn)
    with refused("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"):
        states.start_sync_execution(stateMachineArn=machines.create(PASS))
