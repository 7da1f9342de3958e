"""Amazon CloudWatch Logs: log groups and log streams.

The resource of a request about a whole group is `log-group:NAME:log-stream:`, so the ARN in a policy has to end with
`:*`. Requests about tags are an exception: their resource is `log-group:NAME`.
Sources: Service Authorization Reference, "Amazon CloudWatch Logs"; CloudWatch Logs User Guide, "CloudWatch Logs
resources and operations"; messages of denials on AWS.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

GROUPS = Internal("services.cloudwatch_logs", "_log_groups")
QUERIES = Internal("services.cloudwatch_logs", "_queries")


def _group_arn(call: Call, group: str, stream: str = "") -> str:
    arn = group.removesuffix(":*") if group.startswith("arn:") else call.arn(f"log-group:{group}")
    return f"{arn}:log-stream:{stream}"


def _group(call: Call) -> str:
    """Without a name, as when all groups are listed, a policy has to be about all of them."""
    return _group_arn(call, call.text("logGroupName", "logGroupIdentifier", "resourceIdentifier"))


def _groups(call: Call) -> Iterator[str]:
    """The groups that a query reads."""
    listed = [*call.texts("logGroupNames"), *call.texts("logGroupIdentifiers")]
    for group in listed or [call.text("logGroupName")]:
        yield _group_arn(call, group)


def _groups_of_query(call: Call) -> list[str]:
    query = QUERIES.current().get(call.text("queryId")) or {}
    names = [query.get("logGroupName"), *(query.get("logGroupNames") or []), *(query.get("logGroupIdentifiers") or [])]
    return [_group_arn(call, str(name)) for name in names if name] or ["*"]


def _stream(call: Call) -> str:
    return _group_arn(call, call.text("logGroupName", "logGroupIdentifier"), call.text("logStreamName"))


def _filtered(call: Call) -> list[str]:
    """The group, and the destination of a subscription, if it is one of CloudWatch Logs."""
    destination = call.text("destinationArn")
    return [_group(call), *([destination] if ":destination:" in destination else [])]


def _new_group(call: Call) -> str:
    return call.arn(f"log-group:{call.text('logGroupName')}")


def _tagged(call: Call) -> str:
    return call.text("resourceArn") or "*"


def _named(kind: str, parameter: str) -> Callable[[Call], str]:
    return lambda call: call.arn(f"{kind}:{call.text(parameter)}")


def _tags_of_group(call: Call) -> Mapping[str, Any]:
    group = call.text("logGroupName", "logGroupIdentifier").removesuffix(":*").rpartition(":log-group:")[2]
    found = GROUPS.current().get(group) or {}
    return {f"aws:ResourceTag/{name}": value for name, value in (found.get("tags") or {}).items()}


_WITHOUT_RESOURCE = (
    "CancelExportTask",
    "DeleteAccountPolicy",
    "DeleteIndexPolicy",
    "DeleteQueryDefinition",
    "DeleteResourcePolicy",
    "DescribeAccountPolicies",
    "DescribeConfigurationTemplates",
    "DescribeDeliveries",
    "DescribeDeliveryDestinations",
    "DescribeDeliverySources",
    "DescribeDestinations",
    "DescribeExportTasks",
    "DescribeFieldIndexes",
    "DescribeIndexPolicies",
    "DescribeQueries",
    "DescribeQueryDefinitions",
    "DescribeResourcePolicies",
    "GetLogRecord",
    "ListIntegrations",
    "ListLogGroups",
    "ListLogGroupsForQuery",
    "PutAccountPolicy",
    "PutIndexPolicy",
    "PutQueryDefinition",
    "PutResourcePolicy",
    "StopQuery",
    "TestMetricFilter",
    "TestTransformer",
)
_ON_STREAMS = ("CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents")
_ON_TAGGED = ("ListTagsForResource", "TagResource", "UntagResource")

_OPERATIONS: Operations = {
    **{name: (Needs(name, any_resource),) for name in _WITHOUT_RESOURCE},
    **{name: (Needs(name, _stream, keys=_tags_of_group),) for name in _ON_STREAMS},
    **{name: (Needs(name, _tagged),) for name in _ON_TAGGED},
    "CreateLogGroup": (
        Needs("CreateLogGroup", _group),
        Needs("TagResource", _new_group, when=lambda call: call.has("tags")),
    ),
    "StartQuery": (Needs("StartQuery", _groups, keys=_tags_of_group),),
    "GetQueryResults": (Needs("GetQueryResults", _groups_of_query),),
    "PutSubscriptionFilter": (Needs("PutSubscriptionFilter", _filtered, keys=_tags_of_group),),
    **{
        name: (Needs(name, _named("destination", "destinationName")),)
        for name in ("DeleteDestination", "PutDestination", "PutDestinationPolicy")
    },
    **{
        name: (Needs(name, _named("delivery-source", "name")),)
        for name in ("DeleteDeliverySource", "GetDeliverySource", "PutDeliverySource")
    },
    **{
        name: (Needs(name, _named("delivery-destination", "name")),)
        for name in ("DeleteDeliveryDestination", "GetDeliveryDestination", "PutDeliveryDestination")
    },
    **{name: (Needs(name, _named("delivery", "id")),) for name in ("DeleteDelivery", "GetDelivery")},
}

SERVICES = {"logs": by_operation("logs", _OPERATIONS, default=_group, keys=_tags_of_group)}
