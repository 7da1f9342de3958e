"""IAM permissions for which the Serverless Application Repository blocks an application, since April 2026."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from blueprints.sar_rules.findings import RepositoryFinding, found
from blueprints.template.reading import Place, Template

_POLICY = "AWSLambda_FullAccess"
_ACTIONS = ("iam:attachrolepolicy", "iam:putrolepolicy")


def blocked(template: Template) -> Iterator[RepositoryFinding]:
    """Every blocked permission in the template as written."""
    yield from _within(template, template.section("Globals"), ("Globals",))
    yield from _within(template, template.section("Resources"), ("Resources",))


def _within(template: Template, value: Any, place: Place) -> Iterator[RepositoryFinding]:
    if isinstance(value, str) and value.rpartition("/")[2] == _POLICY:
        yield found("refused", f"{_POLICY} is blocked; allow only the actions that are needed.", template, place)
    if isinstance(value, dict):
        action = _too_much(value)
        if action:
            message = f"{action} on all resources is blocked; name the roles."
            yield found("refused", message, template, place)
        for name, child in value.items():
            yield from _within(template, child, (*place, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _within(template, child, (*place, index))


def _too_much(statement: dict[str, Any]) -> str | None:
    """The action for which a statement is blocked, as written; None if it is not blocked."""
    if statement.get("Effect") != "Allow" or not _everywhere(statement.get("Resource")):
        return None
    if "NotAction" in statement:
        left_out = [each.lower() for each in _texts(statement["NotAction"])]
        open_ = [each for each in _ACTIONS if not any(fnmatchcase(each, pattern) for pattern in left_out)]
        return f"NotAction, which allows {open_[0]}," if open_ else None
    for action in _texts(statement.get("Action")):
        if any(fnmatchcase(each, action.lower()) for each in _ACTIONS):
            return action
    return None


def _everywhere(resource: Any) -> bool:
    return any(set(each) <= {"*"} or each.endswith((":role/*", ":iam::*")) for each in _texts(resource))


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    texts = (each.get("Fn::Sub") if isinstance(each, dict) else each for each in listed)
    return [each for each in texts if isinstance(each, str) and each]
