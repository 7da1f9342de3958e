"""One event on its way from the source that sends it to the target that takes it."""

import json
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Delivery:
    """An event for one target. The source makes it; the executor runs a function with its payload."""

    target_arn: str
    """A function, version or alias, or another target."""
    source_arn: str = ""
    """Such as a rule, topic, bucket or stream; empty for a client's own invocation."""
    payload: bytes = b""
    """JSON."""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """The id of the invocation, which stays the same when it is tried again."""
    made: float = field(default_factory=time.monotonic)
    """The moment by the machine's monotonic clock; a reset after it makes the delivery void."""
    error_code: str | None = None
    error_message: str = ""
    final: bool = False

    @classmethod
    def of(cls, target_arn: str, event: object, source_arn: str = "") -> Self:
        """The delivery of an event that is not JSON yet."""
        return cls(target_arn, source_arn, json.dumps(event).encode())

    @property
    def target_service(self) -> str:
        """The service in the target's ARN, such as `sqs`."""
        return [*self.target_arn.split(":"), "", ""][2]

    @property
    def account(self) -> str:
        """The account the target belongs to."""
        return self.target_arn.split(":")[4]

    def fail(self, code: str, message: str, *, final: bool) -> None:
        """Record why this try did not arrive; a `final` failure is not tried again."""
        self.error_code, self.error_message, self.final = code, message, final


under_way: ContextVar[Delivery] = ContextVar("delivery")
"""The delivery being tried, for code that the base emulator calls without it."""
