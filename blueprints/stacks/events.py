"""The events of a stack: which resources failed and why, which are in progress, which the stack has created."""

from collections.abc import Iterable, Sequence
from typing import Any

from blueprints.stacks.calls import call

NESTED = "AWS::CloudFormation::Stack"

_STARTS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}

Event = dict[str, Any]
"""An event as DescribeStackEvents returns it."""


def events(cloudformation: Any, stack_id: str) -> list[Event]:
    """Every event of a stack, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate
    listed = call(
        lambda **given: [each for page in pages(**given) for each in page["StackEvents"]],
        "DescribeStackEvents",
        stack_id,
        StackName=stack_id,
    )
    return list(reversed(listed))


def deployment_failures(cloudformation: Any, stack_id: str) -> list[str]:
    """The resources that failed in the last creation or update, each with CloudFormation's reason."""
    return _failures(cloudformation, stack_id, ("CREATE_FAILED", "UPDATE_FAILED"))


def deletion_failures(cloudformation: Any, stack_id: str) -> list[str]:
    """The resources that could not be deleted, each with CloudFormation's reason."""
    return _failures(cloudformation, stack_id, ("DELETE_FAILED",))


def in_progress(cloudformation: Any, stack_id: str) -> list[str]:
    """The resources that CloudFormation works on now, as `logical id (type)`."""
    latest: dict[str, Event] = {}
    for event in events(cloudformation, stack_id):
        if not _is_of_the_stack_itself(event):
            latest[event["LogicalResourceId"]] = event
    return [
        f"{name} ({event['ResourceType']})"
        for name, event in latest.items()
        if event["ResourceStatus"].endswith("_IN_PROGRESS")
    ]


def created(listed: Sequence[Event]) -> set[str]:
    """The physical ids of what a stack has created.

    The physical id of a resource that could not be created may be that of another owner's resource.
    """
    return {str(each.get("PhysicalResourceId")) for each in listed if each["ResourceStatus"] == "CREATE_COMPLETE"}


def _failures(cloudformation: Any, stack_id: str, statuses: tuple[str, ...]) -> list[str]:
    """Failures of the resources of a stack and its nested stacks, oldest first.

    Cancelled resources are left out, as they have no reason of their own.
    """
    listed = _of_the_last_deployment(events(cloudformation, stack_id))
    reasons: list[str] = []
    for event in listed:
        reason = event.get("ResourceStatusReason", "no reason given")
        if event["ResourceStatus"] not in statuses or _is_of_the_stack_itself(event) or "cancelled" in reason:
            continue
        reasons.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}")
        if event["ResourceType"] == NESTED and str(event.get("PhysicalResourceId")).startswith("arn:"):
            reasons.extend(_failures(cloudformation, event["PhysicalResourceId"], statuses))
    return list(dict.fromkeys(reasons)) or _failures_of_the_stack_itself(listed, statuses)


def _failures_of_the_stack_itself(listed: Iterable[Event], statuses: tuple[str, ...]) -> list[str]:
    """Its reasons when no resource is to blame, such as an output that cannot be resolved."""
    own = (event for event in listed if _is_of_the_stack_itself(event) and event["ResourceStatus"] in statuses)
    return [event["ResourceStatusReason"] for event in own if event.get("ResourceStatusReason")]


def _of_the_last_deployment(listed: list[Event]) -> list[Event]:
    """The events since the last creation or update began: a stack keeps those of earlier updates for 90 days."""
    starts = [
        index
        for index, event in enumerate(listed)
        if event["ResourceStatus"] in _STARTS and _is_of_the_stack_itself(event)
    ]
    return listed[starts[-1] :] if starts else listed


def _is_of_the_stack_itself(event: Event) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])
