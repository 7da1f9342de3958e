import pytest

from tests.states_language.machines import SENTENCE, seen


def test_other_data_leaves_the_first_as_it_was():
    first = seen({"a": 1}, variables={"v": 2})
    second = first.having(input=3, result=4)
    assert (first.input, second.input, second.result) == ({"a": 1}, 3, 4)
    assert second.variables is first.variables
    assert first.having(input={"a": 1}) == first
    with pytest.raises(TypeError, match="inputs"):
        first.having(inputs=1)


def test_causes_name_the_state():
    assert seen().at_state("Why.") == SENTENCE + "Why."
