"""Delivers to EventBridge targets: checks permissions, retries by the RetryPolicy, then sends to the dead letters.

Follows the Amazon EventBridge User Guide, "How EventBridge retries delivering events" and "Using dead-letter queues to
process undelivered events": a missing resource or permission is final, everything else is tried again.
"""

import json
import logging
import random
import threading
from collections.abc import Callable, Container
from types import ModuleType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.base.client_json import read_json
from blueprints.local.base.clients import Caller, send
from blueprints.local.base.delivery import Delivery, under_way
from blueprints.local.base.extension import EmbeddedAws
from blueprints.local.base.internals import Internal
from blueprints.local.services import scheduler
from blueprints.local.services.eventbridge import metrics
from blueprints.local.services.iam import may_invoke, may_send
from blueprints.local.services.lambda_ import AsynchronousInvocations
from blueprints.local.services.sqs import record_sent

INVOKE_TARGET = Internal("services.eventbridge", "_invoke_target", ("target", "event", "rule", "view"))
TO_LAMBDA = Internal("services.eventbridge", "_dispatch_to_lambda", ("arn", "payload"))
TO_SQS = Internal("services.eventbridge", "_dispatch_to_sqs", ("spec", "payload", "sqs_parameters"))
TO_SNS = Internal("services.eventbridge", "_dispatch_to_sns", ("arn", "payload"))
TOPIC_ALLOWS = Internal("services.sns", "topic_policy_allows", ("topic_arn", "service", "source_arn", "source_account"))
TOPICS = Internal("services.sns", "_topics")
QUEUE = Internal("services.sqs", "_queue_by_arn", ("arn",))
VIEW = Internal("services.eventbridge", "_pattern_event_view", ("event",))
TRANSFORM = Internal("services.eventbridge", "_apply_input_transformer", ("transformer", "rule", "view"))
SUPPORTED = Internal("services.eventbridge", "_SUPPORTED_TARGET_SERVICES")
FUNCTION = Internal("services.lambda_svc", "_get_func_record_for_ref", ("function_ref",))

_EVENTS = "events.amazonaws.com"
_RETRIES = 185
_MAX_AGE_SECONDS = 86_400.0
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 600.0

log = logging.getLogger(__name__)


def is_rule(arn: str) -> bool:
    """Whether an event comes from a rule; schedules of EventBridge Scheduler act under a role instead."""
    return ":rule/" in arn


def install(aws: EmbeddedAws, invocations: AsynchronousInvocations) -> None:
    """Replace the base emulator's delivery to targets; extensions deliver to those of their own services."""
    stock: Callable[..., None] = INVOKE_TARGET.current()

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        delivery = Delivery(str(target.get("Arn", "")), str(rule.get("Arn", "")))

        def invoke() -> None:
            refused = None if is_rule(delivery.source_arn) else scheduler.refusal(target, delivery.source_arn)
            if refused:
                delivery.payload = scheduler.payload(target, event).encode()
                delivery.fail("NO_PERMISSIONS", refused, final=True)
            else:
                extension = aws.event_targets.get(delivery.target_service)
                if extension:
                    seen = view or VIEW.current()(event)
                    delivery.payload = _input(target, rule, seen).encode()
                    extension(target, seen.event_with_detail(), rule)
                else:
                    stock(target, event, rule, view)

        if is_rule(delivery.source_arn):
            metrics.record_match(rule, target)
        Attempts(target, delivery, aws, invoke).make()

    SUPPORTED.replace(_Either(SUPPORTED.current(), aws.event_targets))
    INVOKE_TARGET.replace(invoke_target)
    TO_LAMBDA.replace(_to_lambda(invocations))
    TO_SQS.replace(_to_queue(TO_SQS.current()))
    TO_SNS.replace(_to_topic(TO_SNS.current()))


def _input(target: dict[str, Any], rule: dict[str, Any], view: Any) -> str:
    """What a target gets of an event, as JSON text: a part of it, another text, or all of it."""
    if target.get("InputTransformer"):
        return str(TRANSFORM.current()(target["InputTransformer"], rule, view))
    if target.get("Input"):
        return str(target["Input"])
    event: Any = view.event_with_detail()
    part = event
    for name in str(target.get("InputPath") or "$").removeprefix("$").split("."):
        if name:
            part = part.get(name) if isinstance(part, dict) else None
    return json.dumps(event if part is None else part)  # a path without a value leaves the whole event


class _Either:
    """Contains what one of two containers contains, also what is added to them later."""

    def __init__(self, first: Container[str], second: Container[str]) -> None:
        self._first, self._second = first, second

    def __contains__(self, service: str) -> bool:
        return service in self._first or service in self._second


def _to_lambda(invocations: AsynchronousInvocations) -> Callable[[str, str], None]:
    def dispatch(arn: str, payload: str) -> None:
        delivery = under_way.get()
        delivery.payload = payload.encode()
        function, config, name = FUNCTION.current()(arn)
        if not function or not config:
            delivery.fail("NO_RESOURCE", f"function {name} does not exist", final=True)
        elif is_rule(delivery.source_arn) and not may_invoke(arn, _EVENTS, delivery.source_arn, delivery.account):
            delivery.fail("NO_PERMISSIONS", f"the policy of {arn} does not let {_EVENTS} invoke it", final=True)
        elif config.get("State") not in (None, "", "Active"):
            delivery.fail("CONFLICT_ERROR", f"function {name} is {config['State']}", final=False)
        elif not _is_json(payload):
            delivery.fail("INVALID_JSON", f"what the rule makes of the event for {name} is not JSON", final=True)
        else:
            invocations.enqueue(delivery)

    return dispatch


def _is_json(payload: str) -> bool:
    try:
        read_json(payload)
    except ValueError:
        return False
    return True


def _to_queue(original: Callable[..., None]) -> Callable[..., None]:
    def dispatch(spec: object, payload: str, sqs_parameters: dict[str, Any] | None = None) -> None:
        delivery = under_way.get()
        delivery.payload = payload.encode()
        if QUEUE.current()(str(spec)) is None:
            delivery.fail("NO_RESOURCE", f"queue {spec} does not exist", final=True)
        elif is_rule(delivery.source_arn) and not may_send(str(spec), _EVENTS, delivery.source_arn, delivery.account):
            delivery.fail("NO_PERMISSIONS", f"the policy of {spec} does not let {_EVENTS} send to it", final=True)
        else:
            original(spec, payload, sqs_parameters)
            record_sent(str(spec), payload)

    return dispatch


def _to_topic(original: Callable[..., None]) -> Callable[..., None]:
    def dispatch(arn: str, payload: str) -> None:
        delivery = under_way.get()
        delivery.payload = payload.encode()
        if arn not in TOPICS.current():
            delivery.fail("NO_RESOURCE", f"topic {arn} does not exist", final=True)
        elif is_rule(delivery.source_arn) and not TOPIC_ALLOWS.current()(
            arn, _EVENTS, delivery.source_arn, delivery.account
        ):
            delivery.fail("NO_PERMISSIONS", f"the policy of {arn} does not let {_EVENTS} publish to it", final=True)
        else:
            original(arn, payload)

    return dispatch


def _may_publish(delivery: Delivery) -> bool:
    return bool(TOPIC_ALLOWS.current()(delivery.target_arn, _EVENTS, delivery.source_arn, delivery.account))


def _metrics_of(source_arn: str) -> ModuleType:
    """The metrics of rules or of schedules, which record the same by other names."""
    return metrics if is_rule(source_arn) else scheduler.metrics


class Attempts:
    """Attempts to deliver one event to one target."""

    def __init__(
        self, target: dict[str, Any], delivery: Delivery, aws: EmbeddedAws, invoke: Callable[[], None]
    ) -> None:
        policy = target.get("RetryPolicy") or {}
        self._target = target
        self._retries = int(policy.get("MaximumRetryAttempts", _RETRIES))
        self._max_age = float(policy.get("MaximumEventAgeInSeconds", _MAX_AGE_SECONDS))
        self._dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        self._delivery = delivery
        self._metrics = _metrics_of(delivery.source_arn)
        self._endpoint = aws.endpoint
        self._clock = aws.clock
        self._invoke = invoke
        self._begun = aws.clock.now()
        self._made = 0

    def make(self) -> None:
        """Try once; after a failure, schedule the next attempt or give up. Does nothing once the account is emptied."""
        if self._clock.was_reset_since(self._delivery.made):
            return
        self._delivery.error_code = None
        token = under_way.set(self._delivery)
        try:
            self._invoke()
        finally:
            under_way.reset(token)
        if self._clock.was_reset_since(self._delivery.made):
            return
        succeeded = self._delivery.error_code is None
        self._metrics.record_attempt(self._delivery.source_arn, retry=self._made > 0, succeeded=succeeded)
        if succeeded:
            return
        wait = min(_FIRST_WAIT_SECONDS * 2**self._made, _LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311
        exhausted = self._exhausted_by(wait)
        if self._delivery.final or exhausted:
            self._give_up(exhausted)
            return
        self._made += 1
        self._clock.after(wait, self.make)

    def _exhausted_by(self, wait: float) -> str | None:
        if self._made >= self._retries:
            return "MaximumRetryAttempts"
        age = self._clock.now() - self._begun
        return "MaximumEventAgeInSeconds" if age + wait > self._max_age else None

    def _give_up(self, exhausted: str | None) -> None:
        delivery = self._delivery
        self._metrics.record_failure(delivery.source_arn)
        log.error("event not delivered to %s: %s %s", delivery.target_arn, delivery.error_code, delivery.error_message)
        if not self._dead_letters:
            return
        if not self._may_dead_letter(self._dead_letters):
            sender = _EVENTS if is_rule(delivery.source_arn) else "the schedule's role"
            log.error("dead letter lost: %s may not send to %s", sender, self._dead_letters)
            self._metrics.record_dead_letter(delivery.source_arn, sent=False)
            return
        attributes = {
            "RULE_ARN": delivery.source_arn,
            "TARGET_ARN": delivery.target_arn,
            "ERROR_CODE": str(delivery.error_code),
            "ERROR_MESSAGE": delivery.error_message,
            "RETRY_ATTEMPTS": str(self._made),
        }
        if exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        # Deliveries may run on the emulator's own event loop, which could not answer the request it waits for.
        threading.Thread(
            target=self._send, args=(self._dead_letters, attributes), name="dead-letter", daemon=True
        ).start()

    def _may_dead_letter(self, queue_arn: str) -> bool:
        delivery = self._delivery
        if is_rule(delivery.source_arn):
            return may_send(queue_arn, _EVENTS, delivery.source_arn, delivery.account)
        return scheduler.may_dead_letter(self._target, delivery.source_arn, queue_arn)

    def _send(self, queue_arn: str, attributes: dict[str, str]) -> None:
        owner = Caller.owner(self._delivery.account, queue_arn.split(":")[3], self._endpoint)
        try:
            send(owner, queue_arn, self._delivery.payload.decode(), attributes)
        except (BotoCoreError, ClientError) as error:
            log.error("dead letter lost: %s did not take it: %s", queue_arn, error)  # noqa: TRY400
            self._metrics.record_dead_letter(self._delivery.source_arn, sent=False)
        else:
            self._metrics.record_dead_letter(self._delivery.source_arn, sent=True)
