"""Records the metrics of AWS/Events: which rules matched, and what became of their events.

Source: Amazon EventBridge User Guide, "Monitoring Amazon EventBridge".
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Dimensions, record, scope_of

TARGETS = Internal("services.eventbridge", "_targets")
RULE_KEY = Internal("services.eventbridge", "_rule_key", ("rule_name", "bus_name"))

_NAMESPACE = "AWS/Events"
_DEFAULT_BUS = "default"


def record_match(rule: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    """Record that a rule matched an event. Of a rule with several targets, only the first one counts."""
    key = RULE_KEY.current()(rule["Name"], rule.get("EventBusName") or _DEFAULT_BUS)
    targets = TARGETS.current().get(key) or ()
    if targets and targets[0] is target:
        names = ("TriggeredRules", "MatchedEvents") if rule.get("EventPattern") else ("TriggeredRules",)
        arn = str(rule["Arn"])
        record(_NAMESPACE, [_dimensions(arn)], [(each, 1.0, "Count") for each in names], scope_of(arn))


def record_attempt(rule_arn: str, *, retry: bool, succeeded: bool) -> None:
    """Record an attempt to invoke a target. The first one that succeeds completes an invocation."""
    names = ["InvocationAttempts"]
    if retry:
        names.append("RetryInvocationAttempts")
    if succeeded:
        names += ["SuccessfulInvocationAttempts", "Invocations"]
    _record(rule_arn, *names)


def record_failure(rule_arn: str) -> None:
    """Record an event that a rule gave up delivering to a target."""
    _record(rule_arn, "Invocations", "FailedInvocations")


def record_dead_letter(rule_arn: str, *, sent: bool) -> None:
    """Record an event that went to the dead letters, or that was lost because they did not take it."""
    _record(rule_arn, "InvocationsSentToDlq" if sent else "InvocationsFailedToBeSentToDlq")


def _record(rule_arn: str, *names: str) -> None:
    """Count by rule, and in all rules of the account and Region together."""
    record(_NAMESPACE, [_dimensions(rule_arn), {}], [(each, 1.0, "Count") for each in names], scope_of(rule_arn))


def _dimensions(rule_arn: str) -> Dimensions:
    """A rule's dimensions: those of a rule on the default bus have no bus."""
    *bus, name = rule_arn.split(":", 5)[5].split("/")[1:]
    return {"RuleName": name, **({"EventBusName": "/".join(bus)} if bus else {})}
