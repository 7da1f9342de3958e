"""The formulas that stand in for SymPy's have SymPy's answers."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.assumptions.cnf import EncodedCNF
from sympy.logic.inference import satisfiable

from blueprints.cfn_lint import logic

LEAVES = st.sampled_from(["a", "b", "c", "d", True, False])
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("Not"), inner),
        st.tuples(st.sampled_from(["Implies", "Equivalent"]), inner, inner),
        st.lists(inner, max_size=3).map(lambda parts: ("And", *parts)),
        st.lists(inner, max_size=3).map(lambda parts: ("Or", *parts)),
    ),
    max_leaves=8,
)


def built(formula, library):
    if isinstance(formula, str):
        return library.Symbol(formula)
    if isinstance(formula, bool):
        return formula
    name, *parts = formula
    return getattr(library, name)(*(built(part, library) for part in parts))


def answer(formulas, library, encoded, solve):
    cnf = encoded()
    for formula in formulas:
        cnf.add_prop(built(formula, library))
    return solve(cnf.copy())


@settings(max_examples=300, deadline=None)
@given(st.lists(FORMULAS, max_size=4))
def test_what_can_be_true_is_what_sympy_says_can_be_true(formulas):
    ours = answer(formulas, logic, logic.EncodedCNF, logic.satisfiable)
    theirs = answer(formulas, sympy, EncodedCNF, satisfiable)
    assert (ours is False, bool(ours)) == (theirs is False, bool(theirs))


@settings(max_examples=100, deadline=None)
@given(FORMULAS)
def test_a_model_makes_the_formula_true(formula):
    model = answer([formula], logic, logic.EncodedCNF, logic.satisfiable)
    if model:
        values = {symbol.args[0]: value for symbol, value in model.items() if symbol.args}
        theirs = sympy.sympify(built(formula, sympy))
        assert theirs.subs({name: values.get(name, False) for name in "abcd"}) == sympy.true


def test_formulas_written_alike_are_equal():
    assert logic.And(logic.Symbol("a"), logic.Symbol("b")) == logic.And(logic.Symbol("a"), logic.Symbol("b"))
    assert logic.Dummy("a") != logic.Dummy("a")
    assert logic.Not(logic.Not(logic.Symbol("a"))) == logic.Symbol("a")


def test_what_is_no_formula_is_refused():
    with pytest.raises(TypeError, match="expecting bool or Boolean"):
        logic.And("a")
