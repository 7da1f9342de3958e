"""Whatever a definition is, it is read or refused."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.states_language import state_fields
from blueprints.states_language.definition import InvalidDefinition, faults, parse
from tests.states_language.machines import in_any_time

END = {"Type": "Pass", "End": True}
VALID: dict[str, Any] = {
    "Comment": "every type of state",
    "StartAt": "Pass",
    "TimeoutSeconds": 60,
    "States": {
        "Pass": {"Type": "Pass", "Parameters": {"a.$": "$.b", "c": [{"d.$": "States.UUID()"}]}, "Next": "Choice"},
        "Choice": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.a", "StringMatches": "x*", "Next": "Task"},
                {"And": [{"Not": {"Variable": "$.b", "IsPresent": True}}], "Next": "Wait"},
            ],
            "Default": "Parallel",
        },
        "Task": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxDelaySeconds": 5, "BackoffRate": 1.5}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fail", "ResultPath": "$.error"}],
            "TimeoutSeconds": 9,
            "HeartbeatSeconds": 3,
            "Next": "Map",
        },
        "Wait": {"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": "{% $states.input.a %}", "Next": "Succeed"},
        "Parallel": {"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {"B": END}}], "Next": "Map"},
        "Map": {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "I",
                "States": {"I": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"x": "{% 1 %}"}, "End": True}},
            },
            "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "ReaderConfig": {"MaxItems": 4}},
            "ItemBatcher": {"MaxItemsPerBatch": 3, "BatchInput": {"b.$": "$.c"}},
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "WriterConfig": {"OutputType": "JSONL"}},
            "Assign": {"v.$": "$.w"},
            "End": True,
        },
        "Succeed": {"Type": "Succeed"},
        "Fail": {"Type": "Fail", "ErrorPath": "$.error.Error", "Cause": "it failed"},
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


PLACES = list(places(VALID))
NAMES = sorted({name for table in state_fields.STATE_FIELDS.values() for name in table} | set(state_fields.RETRIER))
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "$", "$.a", "$.a[*]", "States.UUID()", "{% $x %}", "{% a %}", "{% 1 + %}", "Pass", "x", "JSONata"]
    )
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "a", "a.$"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def changed(path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    definition = copy.deepcopy(VALID)
    holder = definition
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return definition


def test_the_unchanged_definition_is_valid():
    assert faults(json.dumps(VALID)) == []
    assert set(parse(json.dumps(VALID)).block.states) == set(VALID["States"])


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(PLACES), _values, st.booleans())
def test_a_changed_definition_is_read_or_refused(path, value, express):
    text = json.dumps(changed(path, value))
    errors = [fault for fault in faults(text, express=express) if fault.severity == "ERROR"]
    try:
        parse(text, express=express)
    except InvalidDefinition:
        assert errors
    else:
        assert not errors


@in_any_time
@given(st.sampled_from([path for path in PLACES if path]), st.sampled_from([*NAMES, "Other"]), _values)
def test_an_added_field_is_read_or_refused(path, name, value):
    definition = copy.deepcopy(VALID)
    holder = definition
    for key in path:
        holder = holder[key]
    if isinstance(holder, dict):
        holder[name] = value
    faults(json.dumps(definition))


@in_any_time
@given(st.text(max_size=40))
def test_any_text_is_refused(text):
    assert any(fault.severity == "ERROR" for fault in faults(text))
