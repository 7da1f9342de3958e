"""Amazon CloudWatch: alarms, dashboards and namespaces of metrics.

Source: Service Authorization Reference, "Amazon CloudWatch".
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

_PREFIX = "cloudwatch"


def _listed(call: Call, name: str) -> list[str]:
    """The texts of a list in the JSON body, or in a form, where its members have a number."""
    form = [call.text(given) for given in call.query if given.startswith(f"{name}.member.")]
    return call.texts(name) or form


def _alarm(call: Call) -> str:
    return call.arn(f"alarm:{call.text('AlarmName') or '*'}", _PREFIX)


def _alarms(call: Call) -> list[str]:
    """Without names, as when all alarms are described, a policy has to be about all of them."""
    return [call.arn(f"alarm:{name}", _PREFIX) for name in _listed(call, "AlarmNames") or ["*"]]


def _dashboard_arn(call: Call, name: str) -> str:
    return f"arn:aws:cloudwatch::{call.account}:dashboard/{name}"


def _dashboard(call: Call) -> str:
    return _dashboard_arn(call, call.text("DashboardName"))


def _dashboards(call: Call) -> list[str]:
    return [_dashboard_arn(call, name) for name in _listed(call, "DashboardNames") or ["*"]]


def _metric_streams(call: Call) -> list[str]:
    names = _listed(call, "Names") or [call.text("Name")]
    return [call.arn(f"metric-stream/{name}", _PREFIX) for name in names]


def _insight_rules(call: Call) -> list[str]:
    names = _listed(call, "RuleNames") or [call.text("RuleName")]
    return [call.arn(f"insight-rule/{name}", _PREFIX) for name in names]


def _tagged(call: Call) -> str:
    return call.text("ResourceARN") or "*"


def _namespace(call: Call) -> Mapping[str, Any]:
    return {"cloudwatch:namespace": call.text("Namespace")}


def _actions(call: Call) -> Mapping[str, Any]:
    names = ("AlarmActions", "OKActions", "InsufficientDataActions")
    return {"cloudwatch:AlarmActions": [arn for name in names for arn in _listed(call, name)]}


def _on(resources: Callable[[Call], str | list[str]], *operations: str) -> Operations:
    return {name: (Needs(name, resources),) for name in operations}


_OPERATIONS: Operations = {
    **_on(_alarm, "DescribeAlarmHistory", "SetAlarmState"),
    **_on(_alarms, "DeleteAlarms", "DescribeAlarms", "DisableAlarmActions", "EnableAlarmActions"),
    **{name: (Needs(name, _alarm, keys=_actions),) for name in ("PutCompositeAlarm", "PutMetricAlarm")},
    **_on(_dashboard, "GetDashboard", "PutDashboard"),
    **_on(_dashboards, "DeleteDashboards"),
    **_on(
        _metric_streams,
        "DeleteMetricStream",
        "GetMetricStream",
        "PutMetricStream",
        "StartMetricStreams",
        "StopMetricStreams",
    ),
    **_on(
        _insight_rules,
        "DeleteInsightRules",
        "DisableInsightRules",
        "EnableInsightRules",
        "GetInsightRuleReport",
        "PutInsightRule",
    ),
    **_on(_tagged, "ListTagsForResource", "TagResource", "UntagResource"),
    "PutMetricData": (Needs("PutMetricData", any_resource, keys=_namespace),),
}

SERVICES = {"monitoring": by_operation(_PREFIX, _OPERATIONS, default=any_resource)}
