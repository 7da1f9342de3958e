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
    "between": lambda value, given: value is not None and len(given) == 2 and given[0] <= value <= given[1],
    "in": lambda value, given: value in given,
    "notIn": lambda value, given: value not in given,
    "attributeExists": lambda value, given: (value is not None) == given,
}


def matches(record: Mapping[str, Any], wanted: Filter | None) -> bool:
    """Whether a record fulfils a filter; all parts of it have to hold. A filter of nothing matches all."""
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
    listed = list(audiences)
    parts = [listed[at : at + _ANY_OF] for at in range(0, len(listed), _ANY_OF)]
    own = [[{"fieldName": "audience", "operator": "in", "value": part}] for part in parts]
    alternatives = _both(own, _alternatives(wanted or {}))
    if len(alternatives) > _GROUPS or any(len(each) > _FILTERS for each in alternatives):
        raise Refused("InvalidInput", f"The filter has more than {_GROUPS} alternatives, groups of the user included.")
    return [{"filters": each} for each in alternatives]


def _alternatives(wanted: Filter) -> list[list[dict[str, Any]]]:
    """A filter as alternatives, each of which is a list of conditions that all have to hold."""
    result: list[list[dict[str, Any]]] = [[]]
    for name, given in wanted.items():
        if given is None or given == []:
            continue
        if name == "and":
            for each in given:
                result = _both(result, _alternatives(each))
        elif name == "or":
            result = _both(result, [one for each in given for one in _alternatives(each)])
        elif name == "not":
            raise Refused("InvalidInput", "The filter of a subscription cannot have `not`.")
        else:
            conditions = [{"fieldName": name, "operator": operator, "value": one} for operator, one in given.items()]
            result = _both(result, [conditions])
    return result


def _both(one: list[list[Any]], other: list[list[Any]]) -> list[list[Any]]:
    return [[*left, *right] for left in one for right in other]
