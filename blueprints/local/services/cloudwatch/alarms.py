"""Evaluates all alarms every few seconds of scaled time, and acts when a state changes."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.services.cloudwatch import ringing
from blueprints.local.services.cloudwatch.alarm_events import announce_change
from blueprints.local.services.cloudwatch.alarm_states import ALARM, can_be_evaluated, periods_to_read, state_of
from blueprints.local.services.cloudwatch.alarm_values import Windows, period_of, values_of
from blueprints.local.services.cloudwatch.metric_math import InvalidExpression

ALARMS = Internal("services.cloudwatch", "_alarms")
EVALUATE = Internal("services.cloudwatch", "_evaluate_alarm", ("alarm",))
EVALUATE_ALL = Internal("services.cloudwatch", "_evaluate_all_alarms", ())
HISTORY = Internal(
    "services.cloudwatch",
    "_record_history",
    ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
)
ACTIONS = Internal("services.cloudwatch", "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason"))
SET = Internal("services.cloudwatch", "_set_alarm_state", ("params", "cbor_data", "is_cbor", "is_json"))
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
        self._changing = threading.RLock()
        """Held from a change of a state until composite alarms have followed it: they might miss a short one."""

    def install(self) -> None:
        """Replace the base emulator's evaluation, which ignores dimensions, and begin."""
        EVALUATE.replace(self.evaluate)
        EVALUATE_ALL.replace(lambda: None)
        ACTIONS.replace(_announcing(ACTIONS.current()))
        SET.replace(self._alone(SET.current()))
        self._clock.every(_SECONDS, self._evaluate_all, at_least=_AT_LEAST)

    def evaluate(self, alarm: dict[str, Any], now: float | None = None) -> None:
        """Evaluate an alarm in the account and Region of the caller's context, and act if its state changes.

        `now` is a moment in seconds since 1970; by default the present one.
        """
        if can_be_evaluated(alarm):
            with self._changing:
                self._evaluate(alarm, now or time.time())

    def _evaluate(self, alarm: dict[str, Any], now: float) -> None:
        windows = Windows.before(now, period_of(alarm), periods_to_read(alarm), self._clock.scale)
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

    def _alone(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*request: Any, **more: Any) -> Any:
            with self._changing:
                return change(*request, **more)

        return changed

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


def _announcing(act: Callable[..., None]) -> Callable[..., None]:
    """Announce a change, and remember that the alarm rang, before its actions."""

    def announced(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        if new_state == ALARM:
            ringing.note(str(alarm["AlarmName"]))
        announce_change(alarm, old_state, new_state, reason)
        act(alarm, old_state, new_state, reason)

    return announced
