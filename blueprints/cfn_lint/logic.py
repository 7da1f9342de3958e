"""Boolean formulas and whether they can be true: the part of SymPy that cfn-lint uses for conditions.

cfn-lint asks one thing of SymPy: can these conditions hold together? Importing SymPy takes 0.3 s, longer than linting a
template. The names, the simplifications and the answers are SymPy's, which a test compares on random formulas.

A formula is a `Boolean`; `EncodedCNF` collects formulas in conjunctive normal form; `satisfiable` answers.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

Clause = frozenset[int]


class Boolean:
    """A formula. Formulas are equal when they are written alike."""

    __slots__ = ("args",)
    args: tuple[Any, ...]

    def __and__(self, other: object) -> "Boolean":
        return And(self, other)

    def __or__(self, other: object) -> "Boolean":
        return Or(self, other)

    def __invert__(self) -> "Boolean":
        return Not(self)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.args == other.args)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.args))


class Symbol(Boolean):
    """A variable. Symbols of one name are equal."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        self.args = (name,)


class Dummy(Symbol):
    """A variable that equals no other, whatever its name."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class BooleanTrue(Boolean):
    """The constant true."""

    __slots__ = ()

    def __init__(self) -> None:
        self.args = ()


class BooleanFalse(Boolean):
    """The constant false."""

    __slots__ = ()

    def __init__(self) -> None:
        self.args = ()


TRUE = BooleanTrue()
FALSE = BooleanFalse()


class BooleanFunction(Boolean):
    """A formula made of others."""

    __slots__ = ()

    def __init__(self, *args: Boolean) -> None:
        self.args = args


class And(BooleanFunction):
    """All of the formulas."""

    __slots__ = ()

    def __new__(cls, *formulas: object) -> Any:
        """The simplest equal formula, which may be of another class."""
        return _joined(cls, formulas, neutral=TRUE, deciding=FALSE)

    def __init__(self, *_: object) -> None:
        pass


class Or(BooleanFunction):
    """At least one of the formulas."""

    __slots__ = ()

    def __new__(cls, *formulas: object) -> Any:
        """The simplest equal formula, which may be of another class."""
        return _joined(cls, formulas, neutral=FALSE, deciding=TRUE)

    def __init__(self, *_: object) -> None:
        pass


class Not(BooleanFunction):
    """The negation of a formula."""

    __slots__ = ()

    def __new__(cls, formula: object) -> Any:
        """The simplest equal formula, which may be of another class."""
        of = _formula(formula)
        if isinstance(of, Not):
            return of.args[0]
        if isinstance(of, (BooleanTrue, BooleanFalse)):
            return FALSE if isinstance(of, BooleanTrue) else TRUE
        made = object.__new__(cls)
        made.args = (of,)
        return made

    def __init__(self, *_: object) -> None:
        pass


def Implies(given: object, then: object) -> Boolean:  # noqa: N802
    """If the first formula is true, so is the second."""
    return Or(Not(given), then)


def Equivalent(one: object, other: object) -> Boolean:  # noqa: N802
    """The two formulas are both true or both false."""
    return And(Or(Not(one), other), Or(one, Not(other)))


def to_nnf(formula: Boolean, **_: bool) -> Boolean:
    """The formula itself: implications and equivalences are written as And, Or and Not when they are made."""
    return formula


class EncodedCNF:
    """Formulas that hold together, as clauses: each is a set of numbered variables, negative where they are negated."""

    __slots__ = ("clauses", "encoding")

    def __init__(self, clauses: Iterable[Clause] = (), encoding: dict[Boolean, int] | None = None) -> None:
        self.clauses = set(clauses)
        self.encoding = {} if encoding is None else encoding

    def copy(self) -> "EncodedCNF":
        """A copy that formulas can be added to."""
        return EncodedCNF(self.clauses, dict(self.encoding))

    def add_prop(self, formula: object) -> None:
        """Add a formula that has to be true."""
        whole = _formula(formula)
        if isinstance(whole, BooleanTrue):
            self.encoding.setdefault(whole, len(self.encoding) + 1)  # so that the model is not empty, as with SymPy
        self.clauses.update(self._encoded(clause) for clause in _clauses(whole, holds=True))

    def _encoded(self, clause: "_Literals") -> Clause:
        numbers = self.encoding
        return frozenset(
            numbers.setdefault(symbol, len(numbers) + 1) * (1 if holds else -1) for symbol, holds in clause
        )


def satisfiable(cnf: EncodedCNF, all_models: bool = False) -> dict[Boolean, bool] | bool:
    """Values of the variables that make the formulas true; False if there are none."""
    if all_models:
        raise NotImplementedError("cfn-lint asks for one model")
    chosen = _solve(frozenset(cnf.clauses))
    if chosen is None:
        return False
    return {symbol: number in chosen for symbol, number in cnf.encoding.items()}


_Literals = frozenset[tuple[Symbol, bool]]


def _formula(value: object) -> Boolean:
    if isinstance(value, Boolean):
        return value
    if value is True or value is False:
        return TRUE if value else FALSE
    raise TypeError(f"expecting bool or Boolean, not `{value}`")


def _joined(kind: type, formulas: Sequence[object], neutral: Boolean, deciding: Boolean) -> Boolean:
    """And or Or: flattened, without repetition, and simplified where constants or opposites decide."""
    parts: dict[Boolean, None] = {}
    for formula in map(_formula, formulas):
        for part in formula.args if type(formula) is kind else (formula,):
            if part == deciding or Not(part) in parts:
                return deciding
            if part != neutral:
                parts[part] = None
    if not parts:
        return neutral
    if len(parts) == 1:
        return next(iter(parts))
    made: Boolean = object.__new__(kind)
    made.args = tuple(parts)
    return made


def _clauses(formula: Boolean, holds: bool) -> set[_Literals]:
    """The clauses of a formula, or of its negation."""
    if isinstance(formula, Not):
        return _clauses(formula.args[0], not holds)
    if isinstance(formula, (BooleanTrue, BooleanFalse)):
        return set() if isinstance(formula, BooleanTrue) == holds else {frozenset()}
    if isinstance(formula, (And, Or)):
        parts = [_clauses(part, holds) for part in formula.args]
        return set().union(*parts) if isinstance(formula, And) == holds else _distributed(parts)
    if isinstance(formula, Symbol):
        return {frozenset([(formula, holds)])}
    raise TypeError(f"{formula!r} is not a formula")


def _distributed(parts: Sequence[set[_Literals]]) -> set[_Literals]:
    """Clauses that hold if all clauses of one of the parts hold."""
    joined: set[_Literals] = {frozenset()}
    for part in parts:
        joined = {one | other for one in joined for other in part}
    return joined


@lru_cache(maxsize=4096)
def _solve(clauses: frozenset[Clause]) -> frozenset[int] | None:
    """Literals that make every clause true, found by the DPLL procedure; None if there are none.

    cfn-lint asks about the same conditions again and again, also in the expanded template.
    """
    waiting: list[tuple[Iterable[Clause], list[int], set[int]]] = [(clauses, [], set())]
    while waiting:
        rest, units, chosen = waiting.pop()
        left = _propagated(rest, units, chosen)
        if left is None:
            continue
        if not left:
            return frozenset(chosen)
        shortest = min(left, key=len)
        literal = next(iter(shortest))
        waiting += [(left, [-literal], set(chosen)), (left, [literal], set(chosen))]
    return None


def _propagated(clauses: Iterable[Clause], units: list[int], chosen: set[int]) -> list[Clause] | None:
    """The clauses that are left once the units, and those that follow from them, are chosen; None if one is false."""
    left = list(clauses)
    while True:
        for unit in units:
            if -unit in chosen:
                return None
            chosen.add(unit)
        undecided, units = [], []
        for clause in left:
            if clause & chosen:
                continue
            open_literals = [literal for literal in clause if -literal not in chosen]
            if not open_literals:
                return None
            if len(open_literals) == 1:
                units.append(open_literals[0])
            undecided.append(clause if len(open_literals) == len(clause) else frozenset(open_literals))
        left = undecided
        if not units:
            return left
