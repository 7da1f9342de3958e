"""Amazon EventBridge: buses, rules on them, and what a rule's pattern or an event says.

A rule of the default bus is `rule/NAME`, one of another `rule/BUS/NAME`.
Sources: Service Authorization Reference, "Amazon EventBridge"; EventBridge User Guide, "Using IAM policy conditions".
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

BUSES = Internal("core.iam_actions", "eventbridge_resource_arns", ("body", "region", "account_id"))

_PATTERN_KEYS = {
    "events:source": ("source",),
    "events:detail-type": ("detail-type",),
    "events:detail.service": ("detail", "service"),
    "events:detail.eventTypeCode": ("detail", "eventTypeCode"),
    "events:detail.userIdentity.principalId": ("detail", "userIdentity", "principalId"),
}
"""The condition keys of a rule's pattern, and where the pattern has them."""


def _rule(call: Call) -> str:
    name = call.text("Rule", "Name", "RuleName")
    bus = call.text("EventBusName").rpartition("event-bus/")[2] or "default"
    if not name:
        return "*"
    return call.arn(f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")


def _bus_arn(call: Call, name: object) -> str:
    name = name if isinstance(name, str) and name else "default"
    return name if name.startswith("arn:") else call.arn(f"event-bus/{name}")


def _bus(call: Call) -> str:
    return _bus_arn(call, call.text("Name", "EventBusName"))


def _named(kind: str, parameter: str) -> Callable[[Call], str]:
    """A resource such as an archive, by its name."""
    return lambda call: call.arn(f"{kind}/{call.text(parameter)}")


def _given(*parameters: str) -> Callable[[Call], str]:
    """The resource whose ARN a parameter has."""
    return lambda call: call.text(*parameters) or "*"


def _destination(call: Call) -> str:
    destination = call.request.get("Destination")
    return _bus_arn(call, destination.get("Arn") if isinstance(destination, dict) else None)


def _creator(call: Call) -> Mapping[str, Any]:
    return {"events:creatorAccount": call.account}


def _pattern(call: Call) -> Mapping[str, Any]:
    """What the pattern of a new rule asks for; a key is a list, of the values that the pattern lists as texts."""
    try:
        pattern = read_json(call.text("EventPattern") or "{}")
    except ValueError:
        pattern = {}  # the service refuses it
    keys: dict[str, Any] = dict(_creator(call))
    for key, path in _PATTERN_KEYS.items():
        found: Any = pattern
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, list):
            keys[key] = [each for each in found if isinstance(each, str)]
    return keys


def _targets(call: Call) -> Mapping[str, Any]:
    arns = [each["Arn"] for each in call.objects("Targets") if isinstance(each.get("Arn"), str)]
    return {**_creator(call), "events:TargetArn": arns}


def _put_events(call: Call) -> list[Authorization]:
    """Each event on its bus, with what it says of itself."""
    return [
        Authorization("events:PutEvents", _bus_arn(call, entry.get("EventBusName")), _of_event(entry))
        for entry in call.objects("Entries")
    ]


def _of_event(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
    return {
        "events:eventBusInvocation": "false",
        **{name: value for name, value in keys.items() if isinstance(value, str)},
    }


_WITHOUT_RESOURCE = (
    "ListApiDestinations",
    "ListArchives",
    "ListConnections",
    "ListEndpoints",
    "ListEventBuses",
    "ListEventSources",
    "ListPartnerEventSources",
    "ListReplays",
    "ListRuleNamesByTarget",
    "ListRules",
    "PutPartnerEvents",
    "PutPermission",
    "RemovePermission",
    "TestEventPattern",
)
_ON_BUSES = ("CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus")
_ON_TAGGED = ("ListTagsForResource", "TagResource", "UntagResource")
_KINDS = {
    "archive": ("ArchiveName", ("DeleteArchive", "DescribeArchive", "UpdateArchive")),
    "replay": ("ReplayName", ("CancelReplay", "DescribeReplay")),
    "connection": (
        "Name",
        ("CreateConnection", "DeauthorizeConnection", "DeleteConnection", "DescribeConnection", "UpdateConnection"),
    ),
    "api-destination": ("Name", ("DeleteApiDestination", "DescribeApiDestination", "UpdateApiDestination")),
    "endpoint": ("Name", ("CreateEndpoint", "DeleteEndpoint", "DescribeEndpoint", "UpdateEndpoint")),
}

_OPERATIONS: Operations = {
    **{name: (Needs(name, any_resource),) for name in _WITHOUT_RESOURCE},
    **{name: (Needs(name, _bus),) for name in _ON_BUSES},
    **{name: (Needs(name, _given("ResourceARN")),) for name in _ON_TAGGED},
    **{
        name: (Needs(name, _named(kind, parameter)),)
        for kind, (parameter, operations) in _KINDS.items()
        for name in operations
    },
    "PutRule": (Needs("PutRule", _rule, keys=_pattern),),
    "PutTargets": (Needs("PutTargets", _rule, keys=_targets),),
    "CreateArchive": (
        Needs("CreateArchive", _named("archive", "ArchiveName")),
        Needs("CreateArchive", _given("EventSourceArn")),
    ),
    "StartReplay": (
        Needs("StartReplay", _named("replay", "ReplayName")),
        Needs("StartReplay", _given("EventSourceArn")),
        Needs("StartReplay", _destination),
    ),
    "CreateApiDestination": (
        Needs("CreateApiDestination", _named("api-destination", "Name")),
        Needs("CreateApiDestination", _given("ConnectionArn")),
    ),
}
_OF_SINGLE_RESOURCES = by_operation("events", _OPERATIONS, default=_rule, keys=_creator)


def _authorizations(call: Call) -> list[Authorization]:
    return _put_events(call) if call.operation == "PutEvents" else _OF_SINGLE_RESOURCES(call)


SERVICES = {"events": _authorizations}
SUPERSEDED: dict[Internal, Callable[..., Any]] = {
    BUSES: lambda body, region, account_id: [],  # noqa: ARG005 - the internal's signature
}
