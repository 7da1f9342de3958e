"""A failed expression names its place in the state, also inside a rule of a Choice and inside a Catch."""

from typing import Any

import pytest

from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.execution.conftest import Played

WORK = "arn:aws:states:::lambda:work"
END = {"Type": "Succeed"}


def choice(**fields: Any) -> dict[str, Any]:
    rules = [{"Condition": "{% false %}", "Next": "B"}, {"Condition": "{% true %}", "Next": "B", **fields}]
    return {"Type": "Choice", "Choices": rules}


def failing_task(**fields: Any) -> dict[str, Any]:
    catchers = [{"ErrorEquals": ["Other"], "Next": "B"}, {"ErrorEquals": ["States.ALL"], "Next": "B", **fields}]
    return {"Type": "Task", "Resource": WORK, "Catch": catchers, "Next": "B"}


@pytest.mark.parametrize(
    ("state", "place"),
    [
        (choice(Output={"v": ["{% $none %}"]}), "Choices[1]/Output/v[0]"),
        (choice(Assign={"v": "{% $none %}"}), "Choices[1]/Assign/v"),
        (choice(Condition="{% $none %}"), "Choices[1]/Condition"),
        (failing_task(Output="{% $none %}"), "Catch[1]/Output"),
        (failing_task(Assign={"v": "{% $none %}"}), "Catch[1]/Assign/v"),
    ],
)
def test_the_place_is_named(play: Played, state: dict[str, Any], place: str) -> None:
    def fail(_: Any) -> None:
        raise StateFailed("Broken", "on purpose")

    play.tasks.functions[WORK] = fail
    execution = play({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state, "B": END}})
    assert execution.error == "States.QueryEvaluationError"
    assert f"specified for the field '{place}' returned nothing" in str(execution.cause)
