"""The flow: what every state has, and that a compensation which fails stops the execution."""

import json
import re

import pytest
from template_facts import PATTERN, TEMPLATE

TEXT = (PATTERN / "statemachine" / "order.asl.json").read_text()
STATES = json.loads(TEXT)["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
# The step, its compensation, and the compensations that follow, in reverse order of the steps.
UNDONE_BY = {"ReserveStock": "ReleaseStock", "TakePayment": "RefundPayment", "ShipOrder": "CancelShipment"}
MUST_SUCCEED = ("SettleApproval", "CancelShipment", "RefundPayment", "ReleaseStock")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_ends_in_time_and_is_retried_with_jitter(name):
    assert TASKS[name]["TimeoutSeconds"]
    for retry in TASKS[name]["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
    assert {"Unavailable", "Lambda.TooManyRequestsException"} <= set(TASKS[name]["Retry"][0]["ErrorEquals"])


@pytest.mark.parametrize("name", UNDONE_BY)
def test_a_step_that_fails_or_is_refused_is_undone_first(name):
    (catch,) = STATES[name]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], UNDONE_BY[name])
    assert STATES[STATES[name]["Next"]]["Default"] == UNDONE_BY[name]


@pytest.mark.parametrize("name", MUST_SUCCEED)
def test_what_must_succeed_is_retried_for_any_error_and_has_no_catch(name):
    assert "Catch" not in STATES[name]
    assert STATES[name]["Retry"][-1]["ErrorEquals"] == ["States.ALL"]


def test_compensations_follow_in_reverse():
    assert STATES["IsShippedAfterAll"]["Default"] == "RefundPayment"
    assert STATES["RefundPayment"]["Next"] == "ReleaseStock"
    assert STATES["ReleaseStock"]["Next"] == "Cancelled"


def test_an_execution_outlasts_the_longest_wait_for_an_approval():
    most = re.search(r"  ApprovalTimeoutHours:\n(?:    .*\n)*?    MaxValue: (\d+)", TEMPLATE)
    assert json.loads(TEXT)["TimeoutSeconds"] > int(most[1]) * 3600


def test_the_template_gives_every_value_that_the_definition_names():
    block = re.search(r"DefinitionSubstitutions:\n((?:        .*\n)+)", TEMPLATE)[1]
    assert set(re.findall(r"\$\{(\w+)\}", TEXT)) == set(re.findall(r"^        (\w+):", block, re.MULTILINE))
