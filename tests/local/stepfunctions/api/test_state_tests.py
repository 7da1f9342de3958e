"""TestState runs one state: its output, what would follow, and how its data flowed."""

import json

import pytest

from tests.local.stepfunctions.api.machines import definition, refused

RETRY = {"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 2}
CATCH = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Undo"}
TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:sqs:listQueues",
    "Parameters": {"QueueNamePrefix.$": "$.prefix"},
    "ResultSelector": {"count.$": "States.ArrayLength($.QueueUrls)"},
    "ResultPath": "$.queues",
    "Next": "Done",
    "Retry": [RETRY],
    "Catch": [CATCH],
}


@pytest.fixture
def tested(states):
    """The answer of TestState, without what every answer has."""

    def run(state, value=None, **parameters):
        given = {"definition": json.dumps(state), "input": json.dumps(value if value is not None else {}), **parameters}
        answer = states.test_state(**given)
        del answer["ResponseMetadata"]
        return answer

    return run


def test_a_pass_state_succeeds_and_names_the_next_state(tested):
    answer = tested({"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.result", "Next": "Later"}, {"b": 2})

    assert answer == {"status": "SUCCEEDED", "output": '{"b":2,"result":{"a":1}}', "nextState": "Later"}


def test_the_last_state_has_no_next_one(tested):
    assert tested({"Type": "Pass", "End": True}, {"a": 1}) == {"status": "SUCCEEDED", "output": '{"a":1}'}


def test_a_choice_names_the_state_it_chooses(tested):
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.value", "NumericLessThan": 30, "Next": "Twenties"}],
        "Default": "Older",
    }

    assert [tested(choice, {"value": value})["nextState"] for value in (22, 40)] == ["Twenties", "Older"]


def test_a_fail_state_fails(tested):
    answer = tested({"Type": "Fail", "Error": "Broken", "Cause": "on purpose"})

    assert answer == {"status": "FAILED", "error": "Broken", "cause": "on purpose"}


def test_a_task_calls_aws_in_the_role(tested, role, cloud):
    cloud.client("sqs").create_queue(QueueName="tested-queue")

    answer = tested(TASK, {"prefix": "tested-queue"}, roleArn=role)

    assert json.loads(answer["output"])["queues"] == {"count": 1}
    assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", "Done")


def test_a_task_without_a_role_is_refused(tested):
    with refused("ValidationException", "RoleArn must be specified when testing a Task state"):
        tested(TASK)


def test_the_flow_of_data_is_shown_when_asked_for(tested):
    state = {
        "Type": "Pass",
        "InputPath": "$.inner",
        "Parameters": {"copied.$": "$.value"},
        "ResultPath": "$.result",
        "End": True,
    }

    answer = tested(state, {"inner": {"value": 1}}, inspectionLevel="DEBUG")

    assert {name: json.loads(value) for name, value in answer["inspectionData"].items()} == {
        "input": {"inner": {"value": 1}},
        "afterInputPath": {"value": 1},
        "afterParameters": {"copied": 1},
        "afterResultSelector": {"copied": 1},
        "afterResultPath": {"inner": {"value": 1}, "result": {"copied": 1}},
    }


def test_a_mocked_result_takes_the_place_of_the_call(tested):
    answer = tested(
        TASK, {"prefix": "x"}, mock={"result": json.dumps({"QueueUrls": ["a", "b"]})}, inspectionLevel="TRACE"
    )

    assert json.loads(answer["output"]) == {"prefix": "x", "queues": {"count": 2}}
    shown = answer["inspectionData"]
    assert json.loads(shown["afterParameters"]) == {"QueueNamePrefix": "x"}
    assert json.loads(shown["result"]) == {"QueueUrls": ["a", "b"]}
    assert json.loads(shown["afterResultSelector"]) == {"count": 2}


def test_an_error_that_is_retried_or_caught_says_so(tested):
    throttled = {"errorOutput": {"error": "Throttled", "cause": "slow down"}}
    failed = {"error": "Throttled", "cause": "slow down"}

    def run(retries):
        return tested(
            TASK,
            {"prefix": "x"},
            mock=throttled,
            stateConfiguration={"retrierRetryCount": retries},
            inspectionLevel="DEBUG",
        )

    first, second, last = run(0), run(1), run(2)

    details = [each["inspectionData"]["errorDetails"] for each in (first, second, last)]
    assert [each.pop("inspectionData") is not None for each in (first, second, last)] == [True] * 3
    assert first == second == {"status": "RETRIABLE", **failed}
    assert details == [
        {"retryIndex": 0, "retryBackoffIntervalSeconds": 2},
        {"retryIndex": 0, "retryBackoffIntervalSeconds": 6},
        {"catchIndex": 0},
    ]
    assert json.loads(last.pop("output")) == {"prefix": "x", "failure": {"Error": "Throttled", "Cause": "slow down"}}
    assert last == {"status": "CAUGHT_ERROR", "nextState": "Undo", **failed}


def test_a_state_of_a_whole_machine_is_tested_with_variables_and_context(states):
    machine = definition(
        {
            "First": {"Type": "Pass", "Next": "Second"},
            "Second": {
                "Type": "Pass",
                "Output": "{% {'n': $n + 1, 'name': $states.context.Execution.Name} %}",
                "Assign": {"n": "{% $n + 1 %}"},
                "End": True,
            },
        },
        QueryLanguage="JSONata",
    )

    answer = states.test_state(
        definition=machine,
        stateName="Second",
        variables='{"n": 1}',
        context='{"Execution": {"Name": "mine"}}',
        inspectionLevel="DEBUG",
    )

    assert json.loads(answer["output"]) == {"n": 2, "name": "mine"}
    assert json.loads(answer["inspectionData"]["variables"]) == {"n": 2}
    with refused("ValidationException", "State not found in definition"):
        states.test_state(definition=machine, stateName="Third")


def test_a_branching_state_needs_a_mock(tested):
    branch = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    parallel = {"Type": "Parallel", "Branches": [branch], "ResultPath": "$.results", "End": True}

    with refused("InvalidDefinition", "TestState API does not support Map or Parallel states."):
        tested(parallel)

    assert json.loads(tested(parallel, {"a": 1}, mock={"result": "[1]"})["output"]) == {"a": 1, "results": [1]}


@pytest.mark.parametrize(
    ("state", "mock", "words"),
    [
        ({"Type": "Pass", "End": True}, {"result": "1"}, "State type 'Pass' is not supported when a mock is specified"),
        (TASK, {"result": "{"}, "Mocked result must be valid JSON"),
        (TASK, {}, "A test mock should have only one of the following fields: [result, errorOutput]."),
        (
            TASK,
            {"result": "{}", "errorOutput": {"error": "E", "cause": "C"}},
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ),
    ],
    ids=["kind of state", "JSON", "nothing", "both"],
)
def test_mocks_that_do_not_fit_are_refused(tested, state, mock, words):
    with refused("ValidationException", words):
        tested(state, {"prefix": "x"}, mock=mock)


ITEMS = {
    "Type": "Map",
    "ItemsPath": "$.values",
    "ToleratedFailureCount": 1,
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Each",
        "States": {"Each": {"Type": "Pass", "End": True}},
    },
    "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "TooMany"}],
    "End": True,
}


def test_a_mocked_map_shows_its_items_and_limits(tested):
    answer = tested(ITEMS, {"values": [1, 2]}, mock={"result": "[3, 4]"}, inspectionLevel="DEBUG")

    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "[3,4]")
    shown = answer["inspectionData"]
    assert (shown["maxConcurrency"], shown["toleratedFailureCount"]) == (0, 1)
    assert json.loads(shown["afterItemsPath"]) == [1, 2]
    assert json.loads(shown["afterResultPath"]) == [3, 4]


def test_more_failed_iterations_than_a_map_tolerates_fail_it(tested):
    def run(failed):
        return tested(
            ITEMS,
            {"values": [1, 2, 3]},
            mock={"result": "[0, 0, 1]"},
            stateConfiguration={"mapIterationFailureCount": failed},
        )

    assert run(1)["status"] == "SUCCEEDED"
    exceeded = run(2)
    assert (exceeded["status"], exceeded["nextState"]) == ("CAUGHT_ERROR", "TooMany")
    assert exceeded["error"] == "States.ExceedToleratedFailureThreshold"
    with refused("ValidationException", "Map iteration failure count must be less than or equal to the number of Map"):
        run(4)


def test_a_state_within_another_is_tested_by_its_name(states):
    machine = definition({"All": {**ITEMS, "Catch": []}})

    answer = states.test_state(definition=machine, stateName="Each", input="5")

    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "5")


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"Execution": {"Id": 1}}, "Invalid Context object provided: Execution.Id must be a string"),
        ({"Map": {}}, "'Map' field is not supported when mocking a Context object"),
        ({"Execution": {"extra": "x"}}, "Invalid Context object provided: Field 'extra' is not allowed"),
        ({"Others": {}}, "Invalid Context object provided: Field 'Others' is not allowed"),
        ({"Task": {"Token": "t"}}, "Context object contains 'Task' when state is not a Task state with a '.sync' or"),
    ],
    ids=["type", "Map", "field", "part", "token"],
)
def test_context_that_a_state_does_not_see_is_refused(tested, context, words):
    with refused("ValidationException", words):
        tested({"Type": "Pass", "End": True}, context=json.dumps(context))


def test_a_task_sees_the_token_of_the_context(tested):
    waiting = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "https://example.com/queue", "MessageBody": {"token.$": "$$.Task.Token"}},
        "End": True,
    }

    answer = tested(
        waiting, mock={"result": "{}"}, context=json.dumps({"Task": {"Token": "mine"}}), inspectionLevel="TRACE"
    )

    assert json.loads(answer["inspectionData"]["afterParameters"])["MessageBody"] == {"token": "mine"}


def calling(resource, **fields):
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "End": True, **fields}


@pytest.mark.parametrize(
    ("resource", "result", "words"),
    [
        ("events:putEvents", {"Entries": "none"}, "Field 'Entries' must be an array"),
        ("events:putEvents", {"Entries": [{"EventId": "a"}, {"EventId": ["b"]}]}, "Field 'EventId' must be a string"),
        ("states:startExecution", {"executionArn": "a"}, "Required field 'ExecutionArn' is missing"),
        ("states:startExecution", {"ExecutionArn": "a", "StartDate": 5}, "Field 'StartDate' must be a string"),
        ("lambda:invoke", {"StatusCode": "200"}, "Field 'StatusCode' must be a number"),
        ("aws-sdk:s3:getObject", {"StorageClass": "Papyrus"}, "Field 'StorageClass' is not an expected value"),
        ("aws-sdk:kms:encrypt", {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is smaller than the minimum length"),
        (
            "aws-sdk:lambda:getFunction",
            {"Configuration": {"MemorySize": 127}},
            "Field 'MemorySize' is less than the minimum value",
        ),
    ],
)
def test_mocked_results_that_the_api_cannot_give_are_refused(tested, resource, result, words):
    state = calling(resource, Parameters={})

    with refused("ValidationException", f"Mock result schema validation error: {words}"):
        tested(state, mock={"result": json.dumps(result)})

    unchecked = tested(state, mock={"result": json.dumps(result), "fieldValidationMode": "NONE"})
    assert json.loads(unchecked["output"]) == result


def test_present_members_alone_are_checked_on_request(tested):
    state = calling("states:startExecution", Parameters={})

    answer = tested(state, mock={"result": '{"other": 1}', "fieldValidationMode": "PRESENT"})

    assert answer["status"] == "SUCCEEDED"
    with refused("ValidationException", "Field 'ExecutionArn' must be a string"):
        tested(state, mock={"result": '{"ExecutionArn": 1}', "fieldValidationMode": "PRESENT"})


@pytest.mark.parametrize(
    "text",
    [
        '{"Type": "Choice", "Choices": 1}',
        '{"Type": "Choice", "Choices": [1]}',
        '{"Type": "Task", "Catch": 1}',
        '{"Type": "Pass", "Next": {}}',
        "[" * 5_000,
        "null",
    ],
)
def test_a_definition_of_any_form_is_the_clients_error(states, role, text):
    with refused("InvalidDefinition", "Invalid State Machine Definition: "):
        states.test_state(definition=text, roleArn=role)


@pytest.mark.parametrize("name", ["variables", "context"])
@pytest.mark.parametrize("text", ["[]", "1", "{", "[" * 5_000], ids=["list", "number", "open", "deep"])
def test_variables_and_context_are_objects(tested, name, text):
    with refused("ValidationException", f"The {name} must be a JSON object"):
        tested({"Type": "Pass", "End": True}, **{name: text})
