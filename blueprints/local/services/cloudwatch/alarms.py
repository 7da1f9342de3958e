"""Evaluates alarms, again and again in scaled time, and announces every change of a state to EventBridge."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.services.cloudwatch import ringing
from blueprints.local.services.cloudwatch.alarm_states import ALARM, can_be_evaluated, periods_to_read, state_of
from blueprints.local.services.cloudwatch.alarm_values import Windows, period_of, values_of
from blueprints.local.services.cloudwatch.metric_math import InvalidExpression
from blueprints.local.services.eventbridge import announce

ALARMS = Internal("services.cloudwatch", "_alarms")
EVALUATE = Internal("services.cloudwatch", "_evaluate_alarm", ("alarm",))
EVALUATE_ALL = Internal("services.cloudwatch", "_evaluate_all_alarms", ())
HISTORY = Internal(
    "services.cloudwatch",
    "_record_history",
    ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
)
ACTIONS = Internal("services.cloudwatch", "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason"))
PARENTS = Internal("services.cloudwatch", "_evaluate_parent_alarms", ("child", "seen"))
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

_SECONDS = 10
"""Scaled seconds between two evaluations; a period of a minute is evaluated a few times."""
_AT_LEAST = 0.1
"""Real seconds between two evaluations. If minutes are shorter, each looks at every minute since the last one."""
_MOST_MINUTES = 100

log = logging.getLogger(__name__)


class Alarms:
    """The evaluation of every alarm of every account and Region."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._evaluated = time.time()

    def install(self) -> None:
        """Replace the base emulator's evaluation, which ignores dimensions, and begin."""
        EVALUATE.replace(self.evaluate)
        EVALUATE_ALL.replace(lambda: None)
        ACTIONS.replace(_announcing(ACTIONS.current()))
        self._clock.every(_SECONDS, self._evaluate_all, at_least=_AT_LEAST)

    def evaluate(self, alarm: dict[str, Any], now: float | None = None) -> None:
        """Evaluate an alarm in the account and Region of the caller's context, and act if its state changes.

        `now` is a moment in seconds since 1970; by default the present one.
        """
        if not can_be_evaluated(alarm):
            return
        windows = Windows.before(now or time.time(), period_of(alarm), periods_to_read(alarm), self._clock.scale)
        try:
            found = state_of(alarm, values_of(alarm, windows))
        except InvalidExpression as error:
            log.warning("the alarm %s cannot be evaluated: %s", alarm.get("AlarmName"), error)
            return
        before = alarm["StateValue"]
        if found is None or found[0] == before:
            return
        state, reason = found
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        HISTORY.current()(alarm["AlarmName"], before, state, reason)
        ACTIONS.current()(alarm, before, state, reason)
        PARENTS.current()(alarm)

    def _evaluate_all(self) -> None:
        moments = self._moments(time.time())
        for (account, region, _), alarm in list(ALARMS.current().all_items()):
            with SCOPE.current()(account, region):
                for moment in moments:
                    self.evaluate(alarm, moment)

    def _moments(self, now: float) -> list[float]:
        """Every scaled minute since the last evaluation, and the present moment."""
        minute = self._clock.real(60)
        passed = min(int((now - self._evaluated) / minute), _MOST_MINUTES)
        self._evaluated = now
        return [now - back * minute for back in range(passed, -1, -1)]


def _announcing(original: Callable[..., None]) -> Callable[..., None]:
    """Source of the event: Amazon CloudWatch User Guide, "Alarm events and EventBridge"."""

    def act(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        if new_state == ALARM:
            ringing.note(str(alarm["AlarmName"]))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
        detail = {
            "alarmName": alarm["AlarmName"],
            "configuration": {"description": alarm.get("AlarmDescription") or ""},
            "previousState": {"value": old_state},
            "state": {"value": new_state, "reason": reason, "timestamp": now},
        }
        announce("aws.cloudwatch", "CloudWatch Alarm State Change", detail, str(alarm.get("AlarmArn")))
        original(alarm, old_state, new_state, reason)

    return act
