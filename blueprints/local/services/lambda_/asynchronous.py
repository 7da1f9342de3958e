"""Asynchronous invocations: queued, retried under one request id, and handed to a destination when all tries failed.

Follows the AWS Lambda Developer Guide, "Invoking a Lambda function asynchronously" and "Capturing records of Lambda
asynchronous invocations". The settings are those of the *qualifier* that was invoked: an alias has its own.
"""

import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.base.clients import Caller, send
from blueprints.local.base.clock import Clock
from blueprints.local.base.delivery import Delivery
from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_ import metrics
from blueprints.local.services.lambda_.alias_routing import chosen_version
from blueprints.local.services.lambda_.executor import Executor
from blueprints.local.services.lambda_.function_code import CREDENTIALS
from blueprints.local.services.lambda_.sent_payload import delivery_of

ENQUEUE = Internal("services.lambda_svc", "invoke_async_with_retry", ("func", "event"))
INVOKE_CONFIG = Internal("services.lambda_svc", "_event_invoke_config", ("func", "qualifier"))
PARSE_ARN = Internal("services.lambda_svc", "_lambda_function_name_and_qualifier_from_arn", ("value",))
RECORD_FOR = Internal("services.lambda_svc", "_effective_func_record_for_qualifier", ("func", "qualifier"))
FUNCTIONS = Internal("services.lambda_svc", "_functions")

_LATEST = "$LATEST"
_MAX_RETRIES = 2
_MAX_AGE_SECONDS = 21_600
_RETRY_SECONDS = (60.0, 120.0)
_THROTTLED_SECONDS = (1.0, 300.0)
_AT_ONCE = 4 * (os.cpu_count() or 2)

log = logging.getLogger(__name__)


@dataclass
class _Event:
    """An event in Lambda's internal queue."""

    delivery: Delivery
    accepted: float
    """By the clock."""
    tries: int = 0
    throttles: int = 0
    version: str | None = None
    """The version that an alias with weights chose at the first try; every try runs it."""


class AsynchronousInvocations:
    """Lambda's queue of events; its waits pass by the clock."""

    def __init__(self, executor: Executor, endpoint: str, clock: Clock) -> None:
        self._executor = executor
        self._endpoint = endpoint
        self._clock = clock
        self._workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="asynchronous-invocation")

    def install(self) -> None:
        """Replace the base emulator's queue."""

        def enqueue(func: dict[str, Any], event: object) -> None:
            self.enqueue(delivery_of(str((func.get("config") or func)["FunctionArn"]), event))

        ENQUEUE.replace(enqueue)

    def enqueue(self, delivery: Delivery) -> None:
        """Accept an event for the function, version or alias that is its target."""
        self._schedule(_Event(delivery, self._clock.now()), 0.0)

    def _schedule(self, event: _Event, seconds: float) -> None:
        def begin() -> None:
            self._workers.submit(_logging_failures, self._try, event)

        if seconds:
            self._clock.after(seconds, begin)
        else:
            begin()

    def _try(self, event: _Event) -> None:
        if self._is_void(event):
            return
        function = FunctionAsInvoked.named(event.delivery.target_arn, event.version)
        if function is None:
            log.warning("asynchronous invocation dropped: %s is gone", event.delivery.target_arn)
            return
        if event.version is None:
            metrics.record_value(function.record["config"], "AsyncEventsReceived", 1.0)
        event.version = function.version
        age = (self._clock.now() - event.accepted) * 1000
        metrics.record_value(function.record["config"], "AsyncEventAge", age, "Milliseconds")
        result = self._executor.deliver(function.record, event.delivery)
        if self._is_void(event):
            return
        if result.get("throttle"):
            self._after_throttle(event, function)
            return
        event.tries += 1
        if not result.get("error"):
            self._tell(function, "OnSuccess", event, result, "Success")
        elif event.tries > function.max_retries:
            self._give_up(function, event, result, "RetriesExhausted")
        else:
            self._retry(event, function, result, _RETRY_SECONDS[min(event.tries, len(_RETRY_SECONDS)) - 1])

    def _is_void(self, event: _Event) -> bool:
        """Whether the event is of an account that was emptied: a function of the same name must not get it."""
        return self._clock.was_reset_since(event.delivery.made)

    def _after_throttle(self, event: _Event, function: "FunctionAsInvoked") -> None:
        """Throttles are not tries: Lambda backs off and goes on until the event is too old."""
        first, most = _THROTTLED_SECONDS
        wait = min(first * 2**event.throttles, most)
        event.throttles += 1
        self._retry(event, function, {"body": {"errorType": "TooManyRequestsException"}}, wait)

    def _retry(self, event: _Event, function: "FunctionAsInvoked", result: dict[str, Any], seconds: float) -> None:
        age = self._clock.now() - event.accepted
        if age + seconds > function.max_age_seconds:
            self._give_up(function, event, result, "EventAgeExceeded")
        else:
            self._schedule(event, seconds)

    def _give_up(self, function: "FunctionAsInvoked", event: _Event, result: dict[str, Any], condition: str) -> None:
        metrics.record_value(function.record["config"], "AsyncEventsDropped", 1.0)
        self._tell(function, "OnFailure", event, result, condition)
        dead_letters = function.dead_letter_arn
        if dead_letters:
            self._dead_letter(function, dead_letters, event, result)

    def _tell(
        self, function: "FunctionAsInvoked", outcome: str, event: _Event, result: dict[str, Any], condition: str
    ) -> None:
        destination = function.destination(outcome)
        if destination:
            record = _invocation_record(function, event, result, condition)
            self._deliver(function, destination, json.dumps(record), {}, "DestinationDeliveryFailures")

    def _dead_letter(self, function: "FunctionAsInvoked", arn: str, event: _Event, result: dict[str, Any]) -> None:
        error = result.get("body") if isinstance(result.get("body"), dict) else {}
        attributes = {
            "RequestID": event.delivery.request_id,
            "ErrorCode": "200",
            "ErrorMessage": str((error or {}).get("errorMessage", ""))[:1024],
        }
        self._deliver(function, arn, event.delivery.payload.decode(), attributes, "DeadLetterErrors")

    def _deliver(
        self, function: "FunctionAsInvoked", arn: str, body: str, attributes: dict[str, str], metric: str
    ) -> None:
        """Send with the function's own role, as Lambda does: without its permission the record is lost.

        `metric` counts that.
        """
        try:
            send(function.role(self._endpoint), arn, body, attributes)
        except (BotoCoreError, ClientError, ValueError) as error:
            metrics.record_value(function.record["config"], metric, 1.0)
            log.error("destination %s of %s did not take a record: %s", arn, function.arn, error)  # noqa: TRY400


@dataclass(frozen=True)
class FunctionAsInvoked:
    """A function version as it was invoked, with the settings of its qualifier."""

    arn: str
    record: dict[str, Any]
    settings: dict[str, Any]

    @classmethod
    def named(cls, arn: str, version: str | None = None) -> "FunctionAsInvoked | None":
        """The function, version or alias of that ARN; None when there is none.

        Of an alias with weights it is the given version, or one chosen by the weights.
        """
        name, qualifier = PARSE_ARN.current()(arn)
        account, region = arn.split(":")[4], arn.split(":")[3]
        base = FUNCTIONS.current().get_scoped(account, region, name)
        alias = ((base or {}).get("aliases") or {}).get(qualifier)
        chosen = (version or chosen_version(alias)) if alias else qualifier
        record, config = RECORD_FOR.current()(base, chosen)
        if record is None or config is None:
            return None
        # The version's code runs, but the context has the ARN that was invoked.
        as_invoked = {**record, "config": {**config, "FunctionArn": arn}}
        # The settings of $LATEST are those of invocations without a qualifier; the base emulator keeps them apart.
        names = [qualifier] if qualifier and qualifier != _LATEST else [_LATEST, None]
        settings = [found for each in names if (found := INVOKE_CONFIG.current()(base, each))]
        return cls(arn, as_invoked, settings[0] if settings else {})

    @property
    def version(self) -> str:
        """The version whose code runs."""
        return str(self.record["config"].get("Version", "$LATEST"))

    @property
    def max_retries(self) -> int:
        """How often a failed event is tried again."""
        retries = self.settings.get("MaximumRetryAttempts")
        return _MAX_RETRIES if retries is None else int(retries)

    @property
    def max_age_seconds(self) -> float:
        """How old an event may become."""
        return float(self.settings.get("MaximumEventAgeInSeconds") or _MAX_AGE_SECONDS)

    @property
    def dead_letter_arn(self) -> str | None:
        """Where the function itself sends events that failed."""
        return (self.record["config"].get("DeadLetterConfig") or {}).get("TargetArn")

    def destination(self, outcome: str) -> str | None:
        """The ARN set for `OnSuccess` or `OnFailure`."""
        return ((self.settings.get("DestinationConfig") or {}).get(outcome) or {}).get("Destination")

    def role(self, endpoint: str) -> Caller:
        """Its execution role, as a caller of the embedded AWS."""
        credentials = CREDENTIALS.current()(self.record["config"])
        return Caller(
            credentials["AWS_ACCESS_KEY_ID"],
            credentials["AWS_SECRET_ACCESS_KEY"],
            credentials["AWS_SESSION_TOKEN"],
            region=self.arn.split(":")[3],
            endpoint=endpoint,
        )


def _invocation_record(
    function: FunctionAsInvoked, event: _Event, result: dict[str, Any], condition: str
) -> dict[str, Any]:
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
    if result.get("error"):
        response["functionError"] = result.get("function_error") or "Unhandled"
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event.delivery.request_id,
            "functionArn": function.arn,
            "condition": condition,
            "approximateInvokeCount": event.tries,
        },
        "requestPayload": json.loads(event.delivery.payload),
        "responseContext": response,
        "responsePayload": result.get("body"),
    }


def _logging_failures(work: Callable[[_Event], None], event: _Event) -> None:
    try:
        work(event)
    except Exception:
        log.exception("asynchronous invocation of %s failed inside the embedded AWS", event.delivery.target_arn)
