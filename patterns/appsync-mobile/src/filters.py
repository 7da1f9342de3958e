"""The filters of queries, conditions of mutations, and subscriptions, in the form that Amplify's clients send.

{"title": {"beginsWith": "Milk"}, "or": [{"notebookId": {"eq": "b-1"}}, {"notebookId": {"eq": "b-2"}}]}
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from refusals import Refused

Filter = Mapping[str, Any]

_ANY_OF = 5
"""The most values that AppSync takes for the operator `in` of a subscription."""
_GROUPS, _FILTERS = 10, 10
"""The most alternatives of a subscription, and conditions of one, that this pattern sends to AppSync."""

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, given: value == given,
    "ne": lambda value, given: value != given,
    "lt": lambda value, given: value is not None and value < given,
    "le": lambda value, given: value is not None and value <= given,
    "gt": lambda value, given: value is not None and value > given,
    "ge": lambda value, given: value is not None and value >= given,
    "contains": lambda value, given: value is not None and given in value,
    "notContains": lambda value, given: value is None or given not in value,
    "beginsWith": lambda value, given: value is not None and value.startswith(given),
    "between": lambda value, given: value is not None and given[0] <= value <= given[1],
    "in": lambda value, given: value in given,
    "notIn": lambda value, given: value not in given,
    "attributeExists": lambda value, given: (value is not None) == given,
}


_WITH_NULL = ("eq", "ne")
_WITH_LIST = ("between", "in", "notIn")


def check(wanted: Filter | None) -> None:
    """Raises Refused for a filter whose values its operators cannot compare with: null, but for `eq` and `ne`."""
    for name, given in (wanted or {}).items():
        if name in ("and", "or"):
            for each in given or ():
                check(each)
        elif name == "not":
            check(given)
        else:
            for operator, value in (given or {}).items():
                _check_value(name, operator, value)


def _check_value(name: str, operator: str, value: Any) -> None:
    values = value if operator in _WITH_LIST and value is not None else [value]
    if operator not in _WITH_NULL and None in values:
        raise Refused("InvalidInput", f"The operator {operator} of the filter of {name} takes no null.")
    if operator == "between" and len(values) != 2:
        raise Refused("InvalidInput", f"The operator between of the filter of {name} takes two values.")


def matches(record: Mapping[str, Any], wanted: Filter | None) -> bool:
    """Whether a record fulfils a filter that `check` accepts; all parts have to hold. An empty filter matches all."""
    for name, given in (wanted or {}).items():
        if given is None:
            continue
        if name == "and":
            holds = all(matches(record, each) for each in given)
        elif name == "or":
            holds = any(matches(record, each) for each in given)
        elif name == "not":
            holds = not matches(record, given)
        else:
            holds = all(_OPERATORS[operator](record.get(name), value) for operator, value in given.items())
        if not holds:
            return False
    return True


def subscription_groups(audiences: Iterable[str], wanted: Filter | None) -> list[dict[str, Any]]:
    """AppSync's filter groups for records of these audiences that fulfil a filter; one group of them has to hold.

    Raises Refused for a filter that AppSync's groups cannot express.
    """
    check(wanted)
    listed = list(audiences)
    parts = [listed[at : at + _ANY_OF] for at in range(0, len(listed), _ANY_OF)]
    own = [[{"fieldName": "audience", "operator": "in", "value": part}] for part in parts]
    alternatives = _both(own, _alternatives(wanted or {}))
    if any(len(each) > _FILTERS for each in alternatives):
        raise Refused("InvalidInput", f"An alternative of the filter has more than {_FILTERS} conditions.")
    return [{"filters": each} for each in alternatives]


def _alternatives(wanted: Filter) -> list[list[dict[str, Any]]]:
    """A filter as alternatives, each of which is a list of conditions that all have to hold."""
    result: list[list[dict[str, Any]]] = [[]]
    for name, given in wanted.items():
        if given is None or given == []:
            continue
        if name == "and":
            for each in given:
                result = _both(result, _alternatives(each or {}))
        elif name == "or":
            result = _both(result, [one for each in given for one in _alternatives(each or {})])
        elif name == "not":
            raise Refused("InvalidInput", "The filter of a subscription cannot have `not`.")
        else:
            conditions = [{"fieldName": name, "operator": operator, "value": one} for operator, one in given.items()]
            result = _both(result, [conditions])
    return result


def _both(one: list[list[Any]], other: list[list[Any]]) -> list[list[Any]]:
    if len(one) * len(other) > _GROUPS:  # refused before there are too many to compute
        raise Refused("InvalidInput", f"The filter has more than {_GROUPS} alternatives, groups of the user included.")
    return [[*left, *right] for left in one for right in other]
