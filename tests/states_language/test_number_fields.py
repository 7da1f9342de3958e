import pytest

from blueprints.states_language.failures import EvaluationFailed, StateFailed
from blueprints.states_language.number_fields import (
    percentage,
    seconds_to_wait,
    timestamp_to_wait_for,
    whole_number,
)
from tests.states_language.machines import SENTENCE, seen

DATA = seen({"n": 3, "f": 2.5, "s": "3", "o": {}, "minus": -1, "t": "1970-01-01T00:01:00Z", "day": "1970-01-01"})


def test_a_number_is_a_literal_at_a_path_or_an_expression():
    assert whole_number({"MaxConcurrency": 4}, "MaxConcurrency", DATA, "JSONPath") == 4
    assert whole_number({"MaxConcurrencyPath": "$.n"}, "MaxConcurrency", DATA, "JSONPath") == 3
    assert whole_number({"MaxConcurrency": "{% $states.input.n * 2 %}"}, "MaxConcurrency", DATA, "JSONata") == 6
    assert whole_number({}, "MaxConcurrency", DATA, "JSONPath") is None
    assert percentage({"ToleratedFailurePercentagePath": "$.f"}, "ToleratedFailurePercentage", DATA, "JSONPath") == 2.5
    assert percentage({"ToleratedFailurePercentage": 1}, "ToleratedFailurePercentage", DATA, "JSONata") == 1.0


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.day", 'The MaxItemsPath field refers to value "1970-01-01" which is not a valid integer: $.day'),
        ("$.f", 'The MaxItemsPath field refers to value "2.5" which is not a valid integer: $.f'),
        ("$.o", 'The MaxItemsPath field refers to value "{}" which is not a valid integer: $.o'),
        ("$.minus", "MaxItems cannot be negative."),
    ],
)
def test_a_path_has_to_lead_to_a_whole_number(path, reason):
    with pytest.raises(StateFailed) as caught:
        whole_number({"MaxItemsPath": path}, "MaxItems", DATA, "JSONPath")
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", SENTENCE + reason)


def test_digits_in_a_text_are_a_number():
    assert whole_number({"MaxItemsPath": "$.s"}, "MaxItems", DATA, "JSONPath") == 3


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [
        ("MaxConcurrency", "$.minus", "Expected non-negative integer for MaxConcurrency, got '-1' instead."),
        ("TimeoutSeconds", "$.none", "Invalid path '$.none' : No results for path: $['none']"),
        ("HeartbeatSeconds", "$.none", "Invalid path '$.none' : No results for path: $['none']"),
    ],
)
def test_some_fields_have_their_own_words(name, path, reason):
    with pytest.raises(StateFailed) as caught:
        whole_number({f"{name}Path": path}, name, DATA, "JSONPath")
    assert caught.value.cause == SENTENCE + reason


def test_percentages_are_limited():
    for language, fields in (
        ("JSONPath", {"PPath": "$.minus"}),
        ("JSONPath", {"P": 100.5}),
        ("JSONata", {"P": "{% -1 %}"}),
    ):
        with pytest.raises(StateFailed) as caught:
            percentage(fields, "P", DATA, language)
        assert caught.value.cause == SENTENCE + "P must be between 0 and 100."
    with pytest.raises(StateFailed, match=r'refers to value "\{\}" which is not a valid float'):
        percentage({"PPath": "$.o"}, "P", DATA, "JSONPath")


def test_an_expression_has_to_give_a_whole_number():
    with pytest.raises(EvaluationFailed) as caught:
        whole_number({"TimeoutSeconds": "{% 1.5 %}"}, "TimeoutSeconds", DATA, "JSONata")
    assert caught.value.location == "TimeoutSeconds"
    with pytest.raises(EvaluationFailed) as caught:
        whole_number({"MaxItemsPerBatch": "{% 'a' %}"}, "MaxItemsPerBatch", DATA, "JSONata", "ItemBatcher/")
    assert caught.value.location == "ItemBatcher/MaxItemsPerBatch"


def test_the_seconds_of_a_wait():
    assert seconds_to_wait({"Seconds": 2}, DATA, "JSONPath") == 2
    assert seconds_to_wait({"SecondsPath": "$.n"}, DATA, "JSONPath") == 3
    assert seconds_to_wait({"Seconds": "{% $states.input.n %}"}, DATA, "JSONata") == 3
    assert seconds_to_wait({"Timestamp": "1970-01-01T00:01:00Z"}, DATA, "JSONPath") is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.minus", "The SecondsPath parameter references a negative value: $.minus == -1"),
        ("$.f", "The SecondsPath parameter cannot be parsed as a long value: $.f == 2.5"),
        ("$.s", "The SecondsPath parameter cannot be parsed as a long value: $.s == 3"),
        ("$.none", "The SecondsPath parameter does not reference an input value: $.none"),
    ],
)
def test_seconds_that_do_not_fit_fail_the_state(path, reason):
    with pytest.raises(StateFailed) as caught:
        seconds_to_wait({"SecondsPath": path}, DATA, "JSONPath")
    assert caught.value.cause == SENTENCE + reason


def test_the_timestamp_of_a_wait():
    assert timestamp_to_wait_for({"Timestamp": "1970-01-01T00:01:00Z"}, DATA, "JSONPath") == 60
    assert timestamp_to_wait_for({"TimestampPath": "$.t"}, DATA, "JSONPath") == 60
    assert timestamp_to_wait_for({"Timestamp": "{% $states.input.t %}"}, DATA, "JSONata") == 60
    with pytest.raises(StateFailed) as caught:
        timestamp_to_wait_for({"TimestampPath": "$.day"}, DATA, "JSONPath")
    reason = "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
    assert caught.value.cause == f"{SENTENCE}{reason}$.day == 1970-01-01"
    with pytest.raises(StateFailed) as caught:
        timestamp_to_wait_for({"Timestamp": "{% $states.input.day %}"}, DATA, "JSONata")
    assert "The Timestamp parameter does not reference" in str(caught.value.cause)
    assert str(caught.value.cause).endswith("format string: $states.input.day == 1970-01-01")
