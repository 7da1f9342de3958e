"""Records the metrics of AWS/Scheduler, by the group of a schedule.

Source: Amazon EventBridge Scheduler User Guide, "Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch".
"""

from blueprints.local.base.metrics import record, scope_of

_NAMESPACE = "AWS/Scheduler"


def record_attempt(schedule_arn: str, *, retry: bool, succeeded: bool) -> None:  # noqa: ARG001 - no metric of retries
    """Record an attempt to invoke a target."""
    _record(schedule_arn, "InvocationAttemptCount", *(() if succeeded else ("TargetErrorCount",)))


def record_failure(schedule_arn: str) -> None:
    """Record that Scheduler gave up invoking a target."""
    _record(schedule_arn, "InvocationDroppedCount")


def record_dead_letter(schedule_arn: str, *, sent: bool) -> None:
    """Record an invocation that went to the dead letters, or that was lost because they did not take it."""
    name = "InvocationsSentToDeadLetterCount" if sent else "InvocationsFailedToBeSentToDeadLetterCount"
    _record(schedule_arn, name)


def _record(schedule_arn: str, *names: str) -> None:
    group = schedule_arn.rpartition(":schedule/")[2].partition("/")[0]
    values = [(each, 1.0, "Count") for each in names]
    record(_NAMESPACE, [{"ScheduleGroup": group}, {}], values, scope_of(schedule_arn))
