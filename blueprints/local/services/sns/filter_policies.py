"""Filter policies of subscriptions: refuses those that SNS refuses, and matches attributes or bodies of messages.

Filter policies are event patterns, with limits of their own. Attributes of the type String.Array are lists, and Binary
attributes are left out. `exists: true` needs a value with content, and a message without any attribute (or with an
empty body) matches no policy.
Sources: Amazon SNS Developer Guide, "Filter policy constraints", "Key matching" and "Numeric matching"; Amazon SNS API
Reference, Subscribe and SetSubscriptionAttributes.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from blueprints.local.base.event_patterns import CompiledPattern, InvalidPattern, read_event
from blueprints.local.base.event_patterns.grammar import Alternative, alternatives
from blueprints.local.base.event_patterns.numbers import InexactNumber
from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed

MATCHES = Internal("services.sns", "_matches_filter_policy", ("sub", "message_attributes", "message"))
SUBSCRIBE = Internal("services.sns", "_subscribe", ("params",))
SET_ATTRIBUTE = Internal("services.sns", "_set_subscription_attributes", ("params",))
SUBSCRIPTION = Internal("services.sns", "_find_subscription", ("topic_arn", "sub_arn"))
PARAMETER = Internal("services.sns", "_p", ("params", "key", "default"))
ERROR = Internal("services.sns", "_error", ("code", "message", "status"))
ATTRIBUTES = Internal("services.cloudformation.provisioners", "_sns_sub_attributes", ("props",))

_TYPE = "AWS::SNS::Subscription"
_POLICY, _SCOPE = "FilterPolicy", "FilterPolicyScope"
_OF_ATTRIBUTES, _OF_BODY = "MessageAttributes", "MessageBody"
_MOST_BYTES = 256 * 1024
_MOST_KEYS = 5
_MOST_COMBINATIONS = 150
_LARGEST_NUMBER, _DECIMALS = 1e9, 5

_Parameters = dict[str, Any]
_Attributes = dict[str, str]
_Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace the base emulator's matching, and check policies in requests and templates."""
    MATCHES.replace(_wants)
    SUBSCRIBE.replace(_subscribing(SUBSCRIBE.current()))
    SET_ATTRIBUTE.replace(_setting(SET_ATTRIBUTE.current()))
    registry = REGISTRY.current()
    handlers = registry[_TYPE]
    registry[_TYPE] = {
        **handlers,
        "create": _provisioning(handlers["create"], 1),
        "update": _provisioning(handlers["update"], 2),
    }


def refusal(attributes: _Attributes) -> str | None:
    """Why SNS refuses the filter policy of a subscription with these attributes, or None."""
    scope = attributes.get(_SCOPE) or _OF_ATTRIBUTES
    if scope not in (_OF_ATTRIBUTES, _OF_BODY):
        return f"{_SCOPE}: Invalid value [{scope}]. Please use either {_OF_BODY} or {_OF_ATTRIBUTES}"
    policy = attributes.get(_POLICY)
    if not policy or policy == "{}":
        return None
    try:
        _check(policy, scope)
    except InvalidPattern as problem:
        return f"{_POLICY}: {problem}"
    return None


def matches(policy: str, scope: str, message_attributes: dict[str, Any], message: str) -> bool:
    """Whether a message with these attributes, as the API gives them, matches a policy that SNS accepts."""
    event = _body(message) if scope == _OF_BODY else _values(message_attributes)
    return bool(event) and _compiled(policy).matches(event)


def _wants(sub: _Parameters, message_attributes: dict[str, Any], message: str = "") -> bool:
    attributes: _Attributes = sub.get("attributes") or {}
    policy = attributes.get(_POLICY)
    if not policy or policy == "{}":
        return True
    return matches(policy, attributes.get(_SCOPE) or _OF_ATTRIBUTES, message_attributes, message)


@lru_cache(maxsize=512)
def _compiled(policy: str) -> CompiledPattern:
    read = alternatives(policy)
    for alternative in read:
        for values in alternative.values():
            values.accept_only_content()
    return CompiledPattern(read)


def _check(policy: str, scope: str) -> None:
    if len(policy.encode()) > _MOST_BYTES:
        raise InvalidPattern("Filter policy is larger than 256 KB")
    read = alternatives(policy)
    for alternative in read:
        if scope == _OF_ATTRIBUTES and any("." in path and f'"{path}"' not in policy for path in alternative):
            raise InvalidPattern(f"Filter policy scope {_OF_ATTRIBUTES} does not support nested filter policy")
        # of nested keys of a body, only those at the top count
        if len({path.partition(".")[0] if scope == _OF_BODY else path for path in alternative}) > _MOST_KEYS:
            raise InvalidPattern(f"Filter policy can not have more than {_MOST_KEYS} keys")
    if sum(_combinations(each, nested=scope == _OF_BODY) for each in read) > _MOST_COMBINATIONS:
        raise InvalidPattern("Filter policy is too complex")


def _combinations(alternative: Alternative, *, nested: bool) -> int:
    """The product of the sizes of the lists, each multiplied by the depth of its key in the body."""
    return math.prod(values.size * (len(path.split(".")) if nested else 1) for path, values in alternative.items())


def _body(message: str) -> dict[str, Any]:
    """The JSON object that a message is; empty if it is none."""
    try:
        body = read_event(message)
    except ValueError:
        return {}
    return _limited(body) if isinstance(body, dict) else {}


def _values(message_attributes: dict[str, Any]) -> dict[str, Any]:
    found = {name: _value(attribute) for name, attribute in message_attributes.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(attribute: dict[str, str]) -> Any:
    """The value of an attribute, None if it is not matched."""
    kind = (attribute.get("DataType") or "").strip()
    text = attribute.get("StringValue", "")
    if kind.partition(".")[0] == "Binary":
        return None
    if kind != "String.Array" and kind.partition(".")[0] != "Number":
        return text
    try:
        return _limited(read_event(text))
    except ValueError:
        return text


def _limited(value: Any) -> Any:
    """A value whose numbers beyond SNS's range or with more than five decimals match no `numeric`."""
    if isinstance(value, dict):
        return {name: _limited(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_limited(each) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or isinstance(value, InexactNumber):
        return value
    return value if abs(value) <= _LARGEST_NUMBER and round(value, _DECIMALS) == value else InexactNumber(str(value))


def _subscribing(subscribe: Callable[[_Parameters], _Response]) -> Callable[[_Parameters], _Response]:
    def checked(params: _Parameters) -> _Response:
        problem = refusal(dict(_entries(params)))
        return _refused(f"Attributes Reason: {problem}") if problem else subscribe(params)

    return checked


def _entries(params: _Parameters) -> list[tuple[str, str]]:
    parameter = PARAMETER.current()
    found: list[tuple[str, str]] = []
    while name := parameter(params, f"Attributes.entry.{len(found) + 1}.key"):
        found.append((name, parameter(params, f"Attributes.entry.{len(found) + 1}.value")))
    return found


def _setting(set_attribute: Callable[[_Parameters], _Response]) -> Callable[[_Parameters], _Response]:
    def checked(params: _Parameters) -> _Response:
        parameter = PARAMETER.current()
        arn, name = parameter(params, "SubscriptionArn"), parameter(params, "AttributeName")
        subscription = SUBSCRIPTION.current()(arn.rpartition(":")[0], arn)
        if not subscription or name not in (_POLICY, _SCOPE):
            return set_attribute(params)
        problem = refusal({**subscription["attributes"], name: parameter(params, "AttributeValue")})
        return _refused(problem) if problem else set_attribute(params)

    return checked


def _refused(problem: str) -> _Response:
    response: _Response = ERROR.current()("InvalidParameter", f"Invalid parameter: {problem}", 400)
    return response


def _provisioning(provision: Callable[..., Any], position: int) -> Callable[..., Any]:
    """`position` is that of the properties among the parameters."""

    def checked(*given: Any, **more: Any) -> Any:
        problem = refusal(ATTRIBUTES.current()(given[position]))
        if problem:
            raise ResourceFailed(f"Invalid parameter: {problem}")
        return provision(*given, **more)

    return checked
