import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.states_language import jsonata
from blueprints.states_language.failures import EvaluationFailed
from tests.states_language.machines import SENTENCE, in_any_time, seen

INPUT = {"n": 3, "items": [{"p": 1.5, "c": 2}, {"p": 1, "c": 1}], "one": [7]}
DATA = seen(INPUT, context={"Id": "e"}, variables={"v": 4})
THREW = "threw an error during evaluation"


def value_of(expression, data=DATA):
    return jsonata.evaluate(f"{{% {expression} %}}", data, "Output")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$states.input.n + $v", 7),
        ("$sum($states.input.items.(p * c))", 4),
        ("$states.input.items[p > 1].c", 2),
        ("$states.context.Id", "e"),
        ("$states.input.one", [7]),
        ("null", None),
        ("6 / 2", 3),
        ("[1..3].($ * 2)", [2, 4, 6]),
        ("$string(1.0) & 'x'", "1x"),
        ("{'a': 1e20}", {"a": 10**20}),
        ("$partition([1, 2, 3], 2)", [[1, 2], [3]]),
        ("$partition([1, 2, 3], 1.9)", [[1], [2], [3]]),
        ("$range(0, 6, 2)", [0, 2, 4, 6]),
        ("$range(-1.7, 2, 1)", [-1, 0, 1, 2]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$hash('input', 'SHA-1')", "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),
        ("$random(42)", 0.7275636800328681),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$map([1, 2], $string)", ["1", "2"]),
        ("$contains('a$b', /a\\$b/)", True),
        ("($f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f(5))", 120),
        ("$length($uuid())", 36),
        ("$random() < 1", True),
        ("$v := 9", 9),
    ],
)
def test_an_expression_gives_plain_json(expression, value):
    found = value_of(expression)
    assert found == value
    assert type(found) is type(value)


def test_a_template_is_evaluated_string_by_string():
    template = {"a": ["{% $v %}", "$v", "{% $v", {"b": "{%1%}"}], "c": None}
    assert jsonata.evaluate(template, DATA, "Output") == {"a": [4, "$v", "{% $v", {"b": 1}], "c": None}


def test_a_template_without_expressions_is_given_as_it_is():
    template = {"a": ["$v"]}
    assert jsonata.evaluate(template, DATA, "Output") is template


def test_result_and_error_output_exist_where_they_are_given():
    assert value_of("$states.result.a", DATA.having(result={"a": 1})) == 1
    assert value_of("$states.errorOutput.Error", DATA.having(error_output={"Error": "E"})) == "E"
    assert value_of("$exists($states.result)") is False


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("$none", "returned nothing (undefined)."),
        ("$states.result", "returned nothing (undefined)."),
        ("$partition($none, 1)", "returned nothing (undefined)."),
        (
            '1 + "a"',
            THREW + '. T2002: The right side of the "+" operator must evaluate to a number',
        ),
        (
            "$abs('a')",
            THREW + '. T0410: Argument 1 of function "abs" does not match function signature',
        ),
        (
            "$sum(['a'])",
            THREW + '. T0412: Argument 1 of function "sum" must be an array of "number',
        ),
        ("$eval('1')", THREW + ". T1006: Attempted to invoke a non-function"),
        ("$shout('1')", THREW + ". T1006: Attempted to invoke a non-function"),
        ("1 / 0", THREW + ". D1001: Number out of range"),
        ("{'a': [0 / 0]}", THREW + ". D1001: Number out of range"),
        ("$sum", "returned an unsupported result type."),
        ("[/a/]", "returned an unsupported result type."),
        ("$hash('a', 'CRC')", THREW + ": "),
        ("$partition([1], -1)", THREW + ": "),
        ("$parse('{')", THREW + ": "),
        ("$uuid(1)", THREW + ": $uuid takes 0 arguments at most, but was given 1"),
        ("$number('x')", THREW + '. D3030: Unable to cast value to a number: "x"'),
        ("$error('enough')", THREW + ". D3137: enough"),
    ],
)
def test_what_cannot_be_evaluated_fails_the_state(expression, what):
    with pytest.raises(EvaluationFailed) as caught:
        jsonata.evaluate({"a": [f"{{% {expression} %}}"]}, DATA, "Output")
    failure = caught.value
    sentence = f"The JSONata expression '{expression}' specified for the field 'Output/a[0]' {what}"
    assert (failure.error, failure.location, failure.state) == ("States.QueryEvaluationError", "Output/a[0]", "Sort")
    assert str(failure.cause).startswith(SENTENCE + sentence)


@pytest.mark.parametrize(
    ("expected", "expression", "kind", "written"),
    [
        ("array", "1", "number", "1"),
        ("array", "'x'", "string", '"x"'),
        ("string", "[true]", "array", "[true]"),
        ("boolean", "{'a': 1}", "object", '{"a":1}'),
        ("number", "true", "boolean", "true"),
        ("object", "null", "null", "null"),
    ],
)
def test_a_field_expects_a_type(expected, expression, kind, written):
    with pytest.raises(EvaluationFailed) as caught:
        jsonata.evaluate(f"{{% {expression} %}}", DATA, "Items", expected=expected)
    sentence = (
        f"The JSONata expression '{expression}' specified for the field 'Items' returned an unexpected result type. "
        f"Expected '{expected}', but was '{kind}' for value: {written}"
    )
    assert caught.value.cause == SENTENCE + sentence


def test_an_endless_expression_ends():
    with pytest.raises(EvaluationFailed, match="U1001"):
        value_of("($f := function($n) { 1 + $f($n) }; $f(1))")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$count + 1", 4),
        ("{'c': $count, 'k': $keys[0]}", {"c": 3, "k": "a"}),
        ("$map([1, 2], function($v) { $v + $count })", [4, 5]),
        ("$sum([1, 2]) + $random", 8),
        ("($count := 9; $count)", 9),
    ],
)
def test_a_variable_hides_a_function_of_its_name(expression, value):
    data = seen(variables={"count": 3, "keys": ["a"], "random": 5})
    assert value_of(expression, data) == value
    with pytest.raises(EvaluationFailed, match="T1006"):
        value_of("$count([1])", data)
    assert value_of("$count([1])") == 1


@pytest.mark.parametrize("expression", ["1" + "+1" * 5000, "(" * 50_000 + "1" + ")" * 50_000])
def test_a_deep_expression_fails_the_state(expression):
    with pytest.raises(EvaluationFailed, match="too deeply nested"):
        value_of(expression)


def test_variables_of_one_evaluation_do_not_reach_the_next():
    assert value_of("($leak := 1; $leak)") == 1
    assert value_of("$exists($leak)") is False


def test_the_library_is_imported_when_the_first_expression_is():
    program = (
        "import sys; from blueprints.states_language import definition, jsonata; print('jsonata2py' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


@in_any_time
@given(st.integers(-5, 5), st.integers(-20, 20), st.integers(-5, 5).filter(bool))
def test_a_range_has_its_step_and_stays_inside(first, last, step):
    numbers = value_of("[$range($a, $b, $c)]", seen(variables={"a": first, "b": last, "c": step}))
    assert all(later - earlier == step for earlier, later in itertools.pairwise(numbers))
    assert all(min(first, last) <= number <= max(first, last) for number in numbers)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=8,
)


@in_any_time
@given(_json)
def test_a_value_passes_unchanged(value):
    assert value_of("$v", seen({}, variables={"v": value})) == value
    assert value_of("{'in': $states.input}", seen(value)) == {"in": value}
