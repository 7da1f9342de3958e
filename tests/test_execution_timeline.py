"""Executions as timelines and pictures, from histories in the form of GetExecutionHistory."""

import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from io import StringIO

import botocore.session
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from blueprints.errors import BlueprintError
from blueprints.executions import MACHINE, running
from blueprints.executions.demos import executions_started
from blueprints.executions.durations import duration
from blueprints.executions.events import read_events
from blueprints.executions.fail_states import explain, unexplained
from blueprints.executions.outcomes import outcomes_of
from blueprints.executions.pictures import write_pictures
from blueprints.executions.reading import Execution, Executions, cause_in_a_line
from blueprints.executions.timeline import as_json, failure, kind, rows, summary
from blueprints.flow_pictures.flow import CATCH, NORMAL
from blueprints.stacks.stack import Resource, Stack
from blueprints.terminal import Terminal

START = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:123456789012:execution:orders-A1B2:order-17"
MACHINE_ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders-A1B2"


def events(*written):
    """Events from (previous id, type, seconds since the last event, details); ids count from 1."""
    made, seconds = [], 0.0
    for number, (before, kind_of_event, pause, *details) in enumerate(written, 1):
        seconds += pause
        event = {
            "id": number,
            "previousEventId": before,
            "type": kind_of_event,
            "timestamp": START + timedelta(seconds=seconds),
        }
        if details:
            event["someEventDetails"] = details[0]
        made.append(event)
    return made


def named(name):
    return {"name": name}


def failed(error, cause=""):
    return {"error": error, "cause": cause}


def execution(listed, status="SUCCEEDED", **more):
    history = read_events(listed)
    stopped = listed[-1]["timestamp"] if status != "RUNNING" else None
    return Execution(ARN, "Order", status, START, stopped, history, **more)


def states(history):
    """Name and status of each state, those inside of others in a list after it."""
    return _states(history.root)


def _states(scope):
    shown = []
    for run in scope.runs:
        shown.append((run.name, run.status))
        if run.last_scopes:
            shown.append([_states(each) for each in run.last_scopes])
    return shown


RETRIED = events(
    (0, "ExecutionStarted", 0),
    (0, "TaskStateEntered", 0, named("Pay")),
    (2, "TaskScheduled", 0.0),
    (3, "TaskStarted", 0.0),
    (4, "TaskFailed", 0.5, failed("Unavailable", "try again")),
    (5, "TaskScheduled", 2.0),
    (6, "TaskStarted", 0.0),
    (7, "TaskSucceeded", 0.5),
    (8, "TaskStateExited", 0.0, named("Pay")),
    (9, "ExecutionSucceeded", 0.0),
)
CAUGHT = events(
    (0, "ExecutionStarted", 0),
    (0, "TaskStateEntered", 0, named("Pay")),
    (2, "LambdaFunctionScheduled", 0.0),
    (3, "LambdaFunctionStarted", 0.0),
    (
        4,
        "LambdaFunctionFailed",
        0.5,
        failed("Declined", '{"errorMessage": "card\\n expired", "errorType": "Declined"}'),
    ),
    (5, "TaskStateExited", 0.0, named("Pay")),
    (6, "PassStateEntered", 0.0, named("Refund")),
    (7, "PassStateExited", 0.0, named("Refund")),
    (8, "FailStateEntered", 0.0, named("Rejected")),
    (9, "ExecutionFailed", 0.0, failed("OrderRejected", "no money")),
)
ONE_BRANCH_FAILS = events(
    (0, "ExecutionStarted", 0),
    (0, "ParallelStateEntered", 0, named("Both")),
    (2, "ParallelStateStarted", 0.0),
    (3, "WaitStateEntered", 0.0, named("Slow")),
    (3, "TaskStateEntered", 0.0, named("Pack")),
    (5, "TaskScheduled", 0.0),
    (6, "TaskFailed", 1.0, failed("Broken", "no box")),
    (4, "WaitStateAborted", 0.0),
    (7, "ParallelStateFailed", 0.0),
    (9, "ExecutionFailed", 0.0, failed("Broken", "no box")),
)
ITERATIONS = events(
    (0, "ExecutionStarted", 0),
    (0, "MapStateEntered", 0, named("Items")),
    (2, "MapStateStarted", 0, {"length": 2}),
    (3, "MapIterationStarted", 0, {"name": "Items", "index": 0}),
    (3, "MapIterationStarted", 0, {"name": "Items", "index": 1}),
    (4, "PassStateEntered", 0, named("Count")),
    (5, "PassStateEntered", 0, named("Count")),
    (6, "PassStateExited", 0, named("Count")),
    (8, "MapIterationSucceeded", 0, {"name": "Items", "index": 0}),
    (7, "PassStateExited", 0, named("Count")),
    (10, "MapIterationSucceeded", 0, {"name": "Items", "index": 1}),
    (10, "MapStateSucceeded", 0),
    (10, "MapStateExited", 0, named("Items")),
    (13, "ExecutionSucceeded", 0),
)


# --- reading ---


def test_a_retried_state_counts_its_attempts():
    history = read_events(RETRIED)
    (run,) = history.root.runs
    assert (run.status, run.attempts, run.error, run.cause) == ("succeeded", 2, "Unavailable", "try again")
    assert run.seconds == 3.0
    assert (history.status, history.ended - history.started) == ("SUCCEEDED", timedelta(seconds=3))


def test_a_caught_error_is_told_apart_from_a_failure():
    history = read_events(CAUGHT)
    assert states(history) == [("Pay", "caught"), ("Refund", "succeeded"), ("Rejected", "failed")]
    assert (history.status, history.error, history.cause) == ("FAILED", "OrderRejected", "no money")
    assert history.root.runs[-1].error == "OrderRejected"


def test_branches_that_run_at_the_same_time_are_told_apart():
    history = read_events(ONE_BRANCH_FAILS)
    assert states(history) == [("Both", "failed"), [[("Slow", "aborted")], [("Pack", "failed")]]]
    (both,) = history.root.runs
    assert (both.error, both.cause) == ("Broken", "no box")


def test_iterations_that_run_at_the_same_time_are_told_apart():
    history = read_events(ITERATIONS)
    assert states(history) == [("Items", "succeeded"), [[("Count", "succeeded")], [("Count", "succeeded")]]]
    assert history.root.runs[0].items == 2


def test_a_retried_parallel_state_shows_the_branches_of_its_last_attempt():
    history = read_events(
        events(
            (0, "ExecutionStarted", 0),
            (0, "ParallelStateEntered", 0, named("Both")),
            (2, "ParallelStateStarted", 0),
            (3, "FailStateEntered", 0, named("First")),
            (4, "ParallelStateStarted", 1),
            (5, "PassStateEntered", 0, named("First")),
            (6, "PassStateExited", 0, named("First")),
            (7, "ParallelStateSucceeded", 0),
            (7, "ParallelStateExited", 0, named("Both")),
            (9, "ExecutionSucceeded", 0),
        )
    )
    (both,) = history.root.runs
    assert both.attempts == 2
    assert states(history) == [("Both", "succeeded"), [[("First", "succeeded")]]]


def test_a_redriven_execution_goes_on_where_it_failed():
    again = events(
        *[(each["previousEventId"], each["type"], 0, each.get("someEventDetails", {})) for each in ONE_BRANCH_FAILS],
        (10, "ExecutionRedriven", 60, {"redriveCount": 1}),
        (11, "TaskScheduled", 0),
        (12, "TaskSucceeded", 0),
        (13, "TaskStateExited", 0, named("Pack")),
        (11, "WaitStateExited", 0, named("Slow")),
        (14, "ParallelStateSucceeded", 0),
        (14, "ParallelStateExited", 0, named("Both")),
        (17, "ExecutionSucceeded", 0),
    )
    history = read_events(again)
    assert (history.status, history.redrives, history.error) == ("SUCCEEDED", 1, "")
    assert states(history) == [("Both", "succeeded"), [[("Slow", "succeeded")], [("Pack", "succeeded")]]]
    assert summary(execution(again)) == "SUCCEEDED after 1 min 0 s, redriven 1 time"


def test_a_stopped_execution_aborts_what_runs():
    history = read_events([*RETRIED[:6], {**RETRIED[6], "type": "ExecutionAborted"}])
    assert states(history) == [("Pay", "aborted")]
    assert history.status == "ABORTED"


def test_the_history_of_a_running_execution_shows_what_runs():
    history = read_events(RETRIED[:7])
    assert states(history) == [("Pay", "running")]
    assert history.root.runs[0].seconds is None


def test_a_failed_expression_belongs_to_its_state():
    """EvaluationFailed follows the event before the state was entered."""
    history = read_events(
        events(
            (0, "ExecutionStarted", 0),
            (0, "PassStateEntered", 0, named("First")),
            (2, "PassStateExited", 0, named("First")),
            (3, "ChoiceStateEntered", 0, named("Which?")),
            (3, "EvaluationFailed", 0, {"error": "States.QueryEvaluationError", "cause": "no", "state": "Which?"}),
            (5, "ExecutionFailed", 0, failed("States.QueryEvaluationError", "no")),
        )
    )
    assert states(history) == [("First", "succeeded"), ("Which?", "failed")]


EVENT_TYPES = botocore.session.get_session().get_service_model("stepfunctions").shape_for("HistoryEventType").enum


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*EVENT_TYPES, "SomethingNew", "TaskTeleported", "CircleStateEntered"]),
            st.integers(0, 30),
            st.sampled_from([{}, named("a"), named("b"), {"name": "a", "index": 1}, failed("E", "why")]),
        ),
        max_size=30,
    )
)
def test_any_events_in_any_order_can_be_shown(written):
    """Types that do not exist yet, and events that lead nowhere, change at most what is shown."""
    listed = events(*[(before, name, 0.1, details) for name, before, details in written])
    shown = Execution(ARN, "Order", "RUNNING", START, None, read_events(listed))
    console(shown)
    json.dumps(as_json(shown))
    outcomes_of(shown.history)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(ONE_BRANCH_FAILS)), st.sampled_from([RETRIED, CAUGHT, ONE_BRANCH_FAILS, ITERATIONS]))
def test_the_beginning_of_a_history_shows_only_states_that_it_enters(length, listed):
    beginning = listed[:length]
    entered = [each["someEventDetails"]["name"] for each in beginning if each["type"].endswith("StateEntered")]
    assert sorted(each.name for each in read_events(beginning).root.all_runs()) == sorted(entered)


def test_an_error_of_a_fail_state_inside_comes_from_the_definition():
    """FailStateEntered has no error; the history has it only where the whole execution fails with it."""
    history = read_events(
        events(
            (0, "ExecutionStarted", 0),
            (0, "ParallelStateEntered", 0, named("Both")),
            (2, "ParallelStateStarted", 0),
            (3, "FailStateEntered", 0, named("Bad")),
            (4, "ParallelStateFailed", 0),
            (5, "ParallelStateExited", 0, named("Both")),
            (6, "ExecutionSucceeded", 0),
        )
    )
    bad = {"Type": "Fail", "Error": "Rejected", "Cause": "{% 'no ' & $states.input %}"}
    branch = {"StartAt": "Bad", "States": {"Bad": bad}}
    definition = {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": [branch]}}}
    runs = unexplained(history)
    assert [each.name for each in runs] == ["Bad"]
    explain(runs, json.dumps(definition))
    (both,) = history.root.runs
    assert (both.error, both.status, runs[0].error, runs[0].cause) == ("Rejected", "caught", "Rejected", "")


# --- showing ---


def console(shown, alike=1):
    terminal = Terminal()
    terminal._console = Console(file=StringIO(), width=200, highlight=False, markup=False, emoji=False)
    terminal.show_execution(shown, alike)
    return terminal._console.file.getvalue()


def test_a_timeline_shows_each_state_with_its_time():
    shown = console(execution(RETRIED), 3)
    assert shown == (
        "\nOrder  order-17  SUCCEEDED after 3.00 s  and 2 executions like it\n"
        "  ✓     +0 ms ━━━━━━━━━━━━━━━━━━━━ Pay     3.00 s   2 attempts\n"
        "                                  Unavailable: try again\n"
    )


def test_a_timeline_shows_error_and_cause_on_a_line():
    assert console(execution(CAUGHT, "FAILED")).splitlines()[1:] == [
        "Order  order-17  FAILED after 500 ms",
        "  !     +0 ms ━━━━━━━━━━━━━━━━━━━━ Pay          500 ms",
        "                                  Declined: card expired",
        "  ✓   +500 ms                    ━ Refund         0 ms",
        "  ✗   +500 ms                    ━ Rejected       0 ms",
        "                                  OrderRejected: no money",
    ]


def test_branches_are_indented_below_their_state():
    assert [
        (each.name, each.depth, each.label, each.status) for each in rows(execution(ONE_BRANCH_FAILS, "FAILED"))
    ] == [
        ("Both", 0, "", "failed"),
        ("Slow", 1, "1.", "aborted"),
        ("Pack", 1, "2.", "failed"),
    ]
    shown = console(execution(ONE_BRANCH_FAILS, "FAILED"))
    assert shown.count("Broken: no box") == 1, "the error stands where it happened"


def iterations(count, failing=()):
    """The history of a Map state whose iterations run one after the other."""
    written = [
        (0, "ExecutionStarted", 0),
        (0, "MapStateEntered", 0, named("Items")),
        (2, "MapStateStarted", 0, {"length": count}),
    ]
    for index in range(count):
        before = len(written)
        ends = ("TaskFailed", "MapIterationFailed") if index in failing else ("TaskSucceeded", "MapIterationSucceeded")
        written += [
            (before, "MapIterationStarted", 0, {"name": "Items", "index": index}),
            (before + 1, "TaskStateEntered", 0, named("Count")),
            (before + 2, "TaskScheduled", 0),
            (before + 3, ends[0], 0.1, failed("Broken") if index in failing else {}),
        ]
        if index not in failing:
            written.append((before + 4, "TaskStateExited", 0, named("Count")))
        written.append((len(written), ends[1], 0, {"name": "Items", "index": index}))
    last = len(written)
    return events(*written, (last, "MapStateSucceeded", 0), (last, "MapStateExited", 0, named("Items")))


def test_many_iterations_are_counted_and_the_first_that_failed_are_shown():
    shown = [(each.label, each.name, each.notes) for each in rows(execution(iterations(300, {7, 8, 9, 10})))]
    assert shown == [
        ("", "Items", ("300 items: 4 failed, 296 succeeded",)),
        ("#7", "Count", ()),
        ("#8", "Count", ()),
        ("", "2 more iterations failed", ()),
    ]


def test_few_iterations_are_shown():
    assert [each.name for each in rows(execution(iterations(3)))] == ["Items", "Count", "Count", "Count"]


def test_a_long_timeline_shows_its_beginning_and_its_end():
    written = [(0, "ExecutionStarted", 0)]
    for number in range(100):
        written.append((len(written), "PassStateEntered", 0.1, named(f"state {number}")))
        written.append((len(written), "PassStateExited", 0, named(f"state {number}")))
    shown = rows(execution(events(*written)))
    assert len(shown) == 61
    assert (shown[0].name, shown[30].name, shown[-1].name) == ("state 0", "40 more states left out", "state 99")


def test_a_history_that_was_not_read_to_its_end_is_marked():
    shown = execution(RETRIED, "RUNNING", is_cut=True)
    assert rows(shown)[-1].name == "later events are not read"
    assert as_json(shown)["complete"] is False


def test_a_timeline_as_data():
    shown = as_json(execution(ONE_BRANCH_FAILS, "FAILED"))
    assert json.loads(json.dumps(shown)) == shown
    assert (shown["execution"], shown["name"], shown["state_machine"]) == (ARN, "order-17", "Order")
    assert (shown["status"], shown["seconds"], shown["error"], shown["cause"]) == ("FAILED", 1.0, "Broken", "no box")
    (both,) = shown["states"]
    assert (both["name"], both["type"], both["status"], both["attempts"]) == ("Both", "Parallel", "failed", 1)
    ((slow,), (pack,)) = both["branches"]
    assert (slow["name"], slow["status"], slow["offset"], slow["seconds"]) == ("Slow", "aborted", 0.0, 1.0)
    assert (pack["name"], pack["status"], pack["error"], pack["cause"]) == ("Pack", "failed", "Broken", "no box")
    ((items,),) = [as_json(execution(ITERATIONS))["states"]]
    assert items["items"] == 2
    assert [each["status"] for each in items["iterations"]] == ["succeeded", "succeeded"]


def test_wide_characters_keep_the_columns():
    listed = [{**each} for each in CAUGHT]
    for each in listed:
        if each.get("someEventDetails") == named("Refund"):
            each["someEventDetails"] = named("返金する")
    lines = [line for line in console(execution(listed, "FAILED")).splitlines() if "ms" in line and "+" in line]
    assert "返金する" in lines[1]
    assert len({cell_len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0404, "40 ms"),
        (1.25, "1.25 s"),
        (12.34, "12.3 s"),
        (59.97, "1 min 0 s"),
        (125, "2 min 5 s"),
        (12000, "3 h 20 min"),
        (187200, "2 d 4 h"),
    ],
)
def test_durations_have_the_unit_that_suits_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        ('{"errorMessage": "no money", "errorType": "Declined", "stackTrace": []}', "no money"),
        ("two\n  lines", "two lines"),
        ("no key (id) (Service: DynamoDb; Status Code: 400; Error Code: X; Request ID: 1; Proxy: null)", "no key (id)"),
        ('{"a": 1}', '{"a": 1}'),
        ("[1]", "[1]"),
        ("", ""),
    ],
)
def test_a_cause_is_shown_on_one_line(cause, line):
    assert cause_in_a_line(cause) == line


# --- outcomes for the picture ---


def test_the_picture_of_an_execution_shows_attempts_errors_and_ways():
    outcomes = outcomes_of(read_events(CAUGHT))
    assert (outcomes["Pay"].status, outcomes["Pay"].lines) == ("caught", ("500 ms", "Declined"))
    assert outcomes["Pay"].next == (("Refund", CATCH),)
    assert outcomes["Refund"].next == (("Rejected", NORMAL),)
    assert outcomes["Rejected"].status == "failed"
    assert outcomes_of(read_events(RETRIED))["Pay"].lines == ("3.00 s · 2 attempts",)


def test_the_picture_counts_iterations():
    outcomes = outcomes_of(read_events(iterations(300, {7, 8})))
    assert outcomes["Items"].lines[-1] == "300 items: 2 failed, 298 succeeded"
    assert (outcomes["Count"].status, outcomes["Count"].lines[0]) == ("failed", "300 runs · 30.0 s")


def test_of_a_loop_the_last_run_counts():
    history = read_events(
        events(
            (0, "ExecutionStarted", 0),
            (0, "TaskStateEntered", 0, named("Poll")),
            (2, "TaskScheduled", 0),
            (3, "TaskFailed", 0, failed("NotYet")),
            (4, "TaskStateExited", 0, named("Poll")),
            (5, "TaskStateEntered", 0, named("Poll")),
            (6, "TaskScheduled", 0),
            (7, "TaskSucceeded", 0),
            (8, "TaskStateExited", 0, named("Poll")),
            (9, "ExecutionSucceeded", 0),
        )
    )
    poll = outcomes_of(history)["Poll"]
    assert poll.status == "succeeded"
    assert poll.next == (("Poll", CATCH),)


# --- reading from AWS ---


class States:
    """Answers as Step Functions does: executions of one state machine, newest first, in pages of events."""

    def __init__(self, listed, page=4):
        self.listed = listed
        self.page = page
        self.meta = type("Meta", (), {"endpoint_url": "http://127.0.0.1"})
        self.calls = []

    def get_paginator(self, operation):
        assert operation == "list_executions"
        return self

    def paginate(self, stateMachineArn):
        assert stateMachineArn == MACHINE_ARN
        for name, status, started, _ in self.listed:
            yield {"executions": [self.described(name, status, started)]}

    def described(self, name, status, started):
        arn = ARN.replace("order-17", name)
        ended = {} if status == "RUNNING" else {"stopDate": started + timedelta(seconds=1)}
        return {
            "executionArn": arn,
            "stateMachineArn": MACHINE_ARN,
            "name": name,
            "status": status,
            "startDate": started,
            **ended,
        }

    def get_execution_history(self, executionArn, maxResults, includeExecutionData, nextToken="0"):
        assert includeExecutionData is False
        (listed,) = [each for name, _, _, each in self.listed if executionArn.endswith(f":{name}")]
        begin = int(nextToken)
        following = {"nextToken": str(begin + self.page)} if begin + self.page < len(listed) else {}
        return {"events": listed[begin : begin + self.page], **following}

    def start_execution(self, **given):
        pytest.fail("a call")

    def describe_map_run(self, mapRunArn):
        self.calls.append(mapRunArn)
        counts = {
            "pending": 0,
            "running": 0,
            "succeeded": 4990,
            "failed": 10,
            "timedOut": 0,
            "aborted": 0,
            "total": 5000,
        }
        return {"itemCounts": counts, "executionCounts": {**counts, "succeeded": 49, "failed": 1, "total": 50}}

    def describe_state_machine_for_execution(self, executionArn):
        states = {name: {"Type": "Pass", "Next": "Rejected"} for name in ("Pay", "Refund")}
        return {"definition": json.dumps({"StartAt": "Pay", "States": {**states, "Rejected": {"Type": "Fail"}}})}


STACK = Stack("orders", {}, (Resource("Order", MACHINE_ARN, MACHINE),))


def reading(states_client):
    return Executions(lambda service: {"stepfunctions": states_client}[service], STACK)


def test_executions_since_a_time_are_read_with_all_pages_of_their_history():
    later = START + timedelta(seconds=10)
    client = States(
        [
            ("third", "FAILED", later, CAUGHT),
            ("second", "SUCCEEDED", START, RETRIED),
            ("first", "SUCCEEDED", START - timedelta(hours=1), RETRIED),
        ]
    )
    found, more = reading(client).since(START, 10)
    assert [(each.name, each.machine, each.status) for each in found] == [
        ("second", "Order", "SUCCEEDED"),
        ("third", "Order", "FAILED"),
    ]
    assert states(found[1].history) == states(read_events(CAUGHT))
    assert more == {}
    newest, more = reading(client).since(START, 1)
    assert [each.name for each in newest] == ["third"]
    assert more == {"Order": 1}


def test_a_distributed_map_shows_the_counts_of_its_map_run():
    listed = events(
        (0, "ExecutionStarted", 0),
        (0, "MapStateEntered", 0, named("Transform")),
        (2, "MapStateStarted", 0, {"length": 5000}),
        (3, "MapRunStarted", 0, {"mapRunArn": "arn:map"}),
        (4, "MapRunSucceeded", 9),
        (5, "MapStateSucceeded", 0),
        (5, "MapStateExited", 0, named("Transform")),
        (7, "ExecutionSucceeded", 0),
    )
    client = States([("one", "SUCCEEDED", START, listed)])
    ((found,), _) = reading(client).since(START, 10)
    assert client.calls == ["arn:map"]
    assert rows(found)[0].notes == ("5,000 items: 4,990 succeeded, 10 failed",)
    (transform,) = as_json(found)["states"]
    assert transform["map_run"]["arn"] == "arn:map"
    assert transform["map_run"]["executionCounts"]["total"] == 50
    assert outcomes_of(found.history)["Transform"].lines == ("9.00 s", "5,000 items: 4,990 succeeded, 10 failed")


def test_executions_that_went_the_same_way_are_shown_once():
    client = States(
        [(f"good-{number}", "SUCCEEDED", START, RETRIED) for number in range(5)] + [("bad", "FAILED", START, CAUGHT)]
    )
    found, _ = reading(client).since(START, 10)
    assert len({kind(each) for each in found}) == 2


def test_a_demo_lists_its_executions_and_draws_each_way_once(tmp_path):
    client = States(
        [
            ("bad / 1", "FAILED", START, CAUGHT),
            ("bad2", "FAILED", START, CAUGHT),
            ("good", "SUCCEEDED", START, [*CAUGHT[:-2], {**CAUGHT[-1], "type": "ExecutionSucceeded"}]),
        ]
    )
    started, files = executions_started(lambda _: client, lambda: STACK, START.timestamp(), tmp_path)
    assert sorted(len(each) for each in started.kinds) == [1, 2]
    assert started.unread == ""
    assert [each.parent for each in files] == [tmp_path / "executions"] * 2
    titles = [ET.parse(each).getroot()[0].text for each in files]
    assert "Order, execution good: SUCCEEDED after 1.00 s" in titles
    assert {each["name"] for each in started.as_json()} == {"bad / 1", "bad2", "good"}


def test_pictures_of_executions_with_similar_names_are_kept_apart(tmp_path):
    names = ["注文", "返金", "x" * 80, "plain"]
    client = States([(name, "SUCCEEDED", START, events((0, "ExecutionStarted", 0))) for name in names])
    executions = reading(client)
    found, _ = executions.since(START, 10)
    paths = write_pictures(executions, found, tmp_path)
    assert len(set(paths)) == len(list(tmp_path.iterdir())) == 4
    assert tmp_path / "Order-plain.svg" in paths


def test_a_stack_without_state_machines_makes_no_call(tmp_path):
    started, files = executions_started(lambda _: pytest.fail("a call"), lambda: Stack("s", {}, ()), 0, tmp_path)
    assert (started.kinds, files, list(tmp_path.iterdir())) == ((), [], [])


def test_a_demo_does_not_fail_when_executions_may_not_be_read(tmp_path):
    class Denied(States):
        def paginate(self, stateMachineArn):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListExecutions")

    started, files = executions_started(lambda _: Denied([]), lambda: STACK, 0, tmp_path)
    assert started.unread.startswith("The executions could not be read: ")
    assert "AccessDeniedException" in started.unread
    assert files == []


def test_an_express_state_machine_has_no_list_of_executions(tmp_path):
    class Express(States):
        def paginate(self, stateMachineArn):
            raise ClientError({"Error": {"Code": "StateMachineTypeNotSupported", "Message": "no"}}, "ListExecutions")

    started, _ = executions_started(lambda _: Express([]), lambda: STACK, 0, tmp_path)
    assert (started.kinds, started.unread) == ((), "")


def test_the_wait_for_an_execution_reports_each_state_once():
    class Running:
        """An execution that enters two states and ends."""

        meta = type("Meta", (), {"endpoint_url": "http://127.0.0.1"})
        entered = iter(["Reserve", "Reserve", "Pay"])
        statuses = iter(["RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"])

        def describe_execution(self, executionArn):
            return {"status": next(self.statuses)}

        def get_execution_history(self, executionArn, reverseOrder, **_):
            assert reverseOrder
            entered = {"type": "TaskStateEntered", "stateEnteredEventDetails": named(next(self.entered))}
            return {"events": [{"type": "TaskScheduled"}, entered]}

    client, reported = Running(), []
    running.wait(lambda _: client, ARN, reported.append)
    assert reported == ["in Reserve", "in Pay"]


def test_an_input_that_is_too_large_is_refused_before_it_is_sent():
    with pytest.raises(BlueprintError, match="262,144 at most"):
        running.start(lambda _: States([]), MACHINE_ARN, "x" * 262_144)


def test_the_failure_of_an_execution_is_on_one_line():
    assert failure(execution(CAUGHT, "FAILED")) == "OrderRejected: no money"
