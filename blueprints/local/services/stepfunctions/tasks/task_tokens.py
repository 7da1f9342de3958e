"""Task tokens: what a callback or an activity's worker answers with.

Source: AWS Step Functions API Reference, SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.protocol import ServiceError
from blueprints.states_language import json_faults, json_text
from blueprints.states_language.failures import HEARTBEAT_TIMEOUT, TIMEOUT, StateFailed

_OUTPUT_BYTES = 262_144
_RANDOM_BYTES = 64
_DIGEST_BYTES = 32
_REMEMBERED = 10_000


class TimedOut(StateFailed):
    """An attempt took too long, or its worker was silent for too long."""

    def __init__(self, error: str) -> None:
        super().__init__(error)


@dataclass
class Waiting:
    """An attempt that waits for the answer to its token."""

    token: str
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    last_heartbeat: float = 0.0
    """By the clock."""
    output: Any = None
    failure: StateFailed | None = None
    is_answered: bool = False

    def notify(self) -> None:
        """Wake the attempt, from any thread; an attempt whose loop ended needs none."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.changed.set)


class TaskTokens:
    """All tokens that wait for an answer. The operations of the API may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}
        self._resources: dict[str, str] = {}
        self._key = secrets.token_bytes(32)

    def make(self) -> str:
        """A new token, for `$$.Task.Token`. It can be answered as soon as `open` was called."""
        text = secrets.token_bytes(_RANDOM_BYTES)
        return base64.b64encode(text + self._digest(text)).decode()

    def open(self, token: str, resource: str = "") -> Waiting:
        """Accept answers to a token from now on; called on the loop that waits, before the token is handed out.

        `resource` is the ARN on which an answer needs permission: that of the state machine or the activity.
        """
        waiting = Waiting(token, asyncio.get_running_loop(), last_heartbeat=self._clock.now())
        with self._lock:
            self._waiting[token] = waiting
            self._resources[token] = resource
            if len(self._resources) > _REMEMBERED:
                del self._resources[next(iter(self._resources))]
        return waiting

    def resource_of(self, token: str) -> str | None:
        """The ARN on which an answer to a token needs permission, also after the token was closed; None if unknown."""
        with self._lock:
            return self._resources.get(token) or None

    def close(self, waiting: Waiting) -> None:
        """Accept no answer any more; without effect on one that came before."""
        with self._lock:
            self._waiting.pop(waiting.token, None)

    async def wait(self, waiting: Waiting, until: float | None, heartbeat_seconds: float | None) -> Any:
        """The output that the token is answered with. Raises StateFailed, and TimedOut.

        `until` is a moment of the clock. The silence allowed counts from the call and from each heartbeat.
        """
        waiting.last_heartbeat = max(waiting.last_heartbeat, self._clock.now())
        while not waiting.is_answered:
            waiting.changed.clear()
            silent_until = waiting.last_heartbeat + heartbeat_seconds if heartbeat_seconds else None
            limits = [each for each in (until, silent_until) if each is not None]
            left = self._clock.real(min(limits) - self._clock.now()) if limits else None
            try:
                await asyncio.wait_for(waiting.changed.wait(), left)
            except TimeoutError:
                # The answer, or a heartbeat, may have come at the same moment.
                now = self._clock.now()
                is_late = until is not None and now >= until
                is_silent = heartbeat_seconds is not None and now >= waiting.last_heartbeat + heartbeat_seconds
                if (is_late or is_silent) and self._give_up(waiting):
                    raise TimedOut(TIMEOUT if is_late else HEARTBEAT_TIMEOUT) from None
        if waiting.failure:
            raise waiting.failure
        return waiting.output

    def succeed(self, token: str, output_text: str) -> None:
        """SendTaskSuccess. Raises ServiceError: InvalidToken, TaskTimedOut, InvalidOutput, ValidationException."""
        if len(output_text.encode(errors="surrogatepass")) > _OUTPUT_BYTES:
            raise ServiceError(
                "ValidationException",
                "1 validation error detected: Value at 'output' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_OUTPUT_BYTES}",
            )
        self._check(token)
        try:
            output = json_text.read(output_text)
        except ValueError as error:
            words = json_faults.words(output_text, error)
            raise ServiceError("InvalidOutput", f"Invalid Output: 'JSON did not parse: {words}'") from None
        self._answer(token, output, None)

    def fail(self, token: str, error: str | None, cause: str | None) -> None:
        """SendTaskFailure. Raises ServiceError: InvalidToken, TaskTimedOut."""
        self._check(token)
        parts = (part and json_text.well_formed(part) for part in (error, cause))
        self._answer(token, None, StateFailed(*parts))

    def heartbeat(self, token: str) -> None:
        """SendTaskHeartbeat. Raises ServiceError: InvalidToken, TaskTimedOut."""
        self._check(token)
        with self._lock:
            waiting = self._waiting.get(token)
            if waiting is None:
                raise _timed_out()
            waiting.last_heartbeat = self._clock.now()
        waiting.notify()

    def reset(self) -> None:
        """Forget every token; those given out before are unknown."""
        with self._lock:
            self._waiting.clear()
            self._resources.clear()
            self._key = secrets.token_bytes(32)

    def _answer(self, token: str, output: Any, failure: StateFailed | None) -> None:
        with self._lock:
            waiting = self._waiting.pop(token, None)
            if waiting is None:
                raise _timed_out()
            waiting.output, waiting.failure, waiting.is_answered = output, failure, True
        waiting.notify()

    def _give_up(self, waiting: Waiting) -> bool:
        """Close a token unless it was answered."""
        with self._lock:
            self._waiting.pop(waiting.token, None)
            return not waiting.is_answered

    def _check(self, token: str) -> None:
        """Raise ServiceError for a token that was never made."""
        try:
            decoded = base64.b64decode(token, validate=True)
        except ValueError:
            decoded = b""
        text, digest = decoded[:-_DIGEST_BYTES], decoded[-_DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(text)):
            raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")

    def _digest(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, hashlib.sha256)


def _timed_out() -> ServiceError:
    return ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
