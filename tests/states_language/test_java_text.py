import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.states_language.java_text import text_of
from tests.states_language.machines import in_any_time


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (100.0, "100.0"),
        (0.1, "0.1"),
        (0.001, "0.001"),
        (0.00025, "2.5E-4"),
        (9999999.0, "9999999.0"),
        (10000000.0, "1.0E7"),
        (-123456789.5, "-1.234567895E8"),
        (1e100, "1.0E100"),
        (12, "12"),
        (True, "true"),
        (None, "null"),
        ({"a": [], "b": {"c": "x"}}, "{a=[], b={c=x}}"),
    ],
)
def test_values_are_written_as_java_does(value, text):
    assert text_of(value) == text


@in_any_time
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_read_back_from_its_text(value):
    assert float(text_of(value)) == value
