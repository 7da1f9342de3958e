"""EventBridge Scheduler and EventBridge Pipes, whose requests name their resources in the path.

Source: Service Authorization Reference, "Amazon EventBridge Scheduler" and "Amazon EventBridge Pipes".
"""

from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation


def _schedule(call: Call) -> str:
    """A schedule's group is in the body of a request that creates or changes it, otherwise in the query."""
    group = call.text("GroupName", "groupName") or "default"
    return call.arn(f"schedule/{group}/{call.path.partition('/schedules/')[2]}")


def _group(call: Call) -> str:
    return call.arn(f"schedule-group/{call.path.partition('/schedule-groups/')[2]}")


def _pipe(call: Call) -> str:
    return call.arn(f"pipe/{call.path.partition('/pipes/')[2].split('/')[0]}")


def _tagged(call: Call) -> str:
    return call.path.partition("/tags/")[2] or "*"


_ON_TAGGED: Operations = {
    name: (Needs(name, _tagged),) for name in ("ListTagsForResource", "TagResource", "UntagResource")
}
_OF_SCHEDULES: Operations = {
    **_ON_TAGGED,
    **{name: (Needs(name, any_resource),) for name in ("ListScheduleGroups", "ListSchedules")},
    **{name: (Needs(name, _group),) for name in ("CreateScheduleGroup", "DeleteScheduleGroup", "GetScheduleGroup")},
}
_OF_PIPES: Operations = {**_ON_TAGGED, "ListPipes": (Needs("ListPipes", any_resource),)}

SERVICES = {
    "scheduler": by_operation("scheduler", _OF_SCHEDULES, default=_schedule),
    "pipes": by_operation("pipes", _OF_PIPES, default=_pipe),
}
