"""The update of one resource, which can run on a thread while the base emulator is at another resource."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Made, Properties, ResourceFailed
from blueprints.local.services.cloudformation.operation_under_way import STACKS, Operation

ADD_EVENT = Internal(
    "services.cloudformation.stacks",
    "_add_event",
    ("stack_id", "stack_name", "logical_id", "resource_type", "status", "reason", "physical_id", "detailed_status"),
)
NOW = Internal("core.responses", "now_iso", ())

CANCELLED = "Resource update cancelled"


@dataclass
class ResourceUpdate:
    """The update of one resource from old to new properties.

    `operation` is the update of the stack that it belongs to.
    """

    operation: Operation
    stack_name: str
    logical_id: str
    resource_type: str
    physical_id: str
    old: Properties
    new: Properties
    attributes: dict[str, Any] | None
    """The attributes before the update, if the base emulator gave them."""
    made: Made | None = None
    error: Exception | None = None
    is_known: bool = False
    """Whether the base emulator has the result, so that it rolls the update back itself."""
    announced: set[str] = field(default_factory=set)
    """The statuses of events added when they happened, which the base emulator adds once more when it gets here."""
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._stack = STACKS.current().get(self.stack_name)

    def start(self, update: Callable[..., Made]) -> None:
        """Update the resource on a thread of its own, with its events."""
        self._announce("UPDATE_IN_PROGRESS")
        work = partial(copy_context().run, self._run_announced, update)
        self._thread = threading.Thread(target=work, name=f"update of {self.logical_id}", daemon=True)
        self._thread.start()

    def run(self, update: Callable[..., Made]) -> None:
        """Update the resource, and keep the result or the error.

        The error is `CANCELLED` if the update failed because that of another resource had failed before.
        """
        try:
            self.made = update(
                self.resource_type,
                self.physical_id,
                self.old,
                self.new,
                self.stack_name,
                self.logical_id,
                self.attributes,
            )
        except Exception as error:  # noqa: BLE001 - `result` raises it
            is_first = self.operation.fail(self.stack_name, self.logical_id)
            self.error = error if is_first else ResourceFailed(CANCELLED)

    def wait(self) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join()

    def result(self) -> Made:
        """What was made, for the base emulator. Raises the error of the update."""
        self.is_known = True
        if self.error is not None:
            raise self.error
        assert self.made is not None
        return self.made

    def record(self, stack: dict[str, Any]) -> None:
        """Write the new properties into the stack, so that a rollback changes them back."""
        _, attributes = self.made or (self.physical_id, {})
        stack["_resources"][self.logical_id] = {
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.resource_type,
            "ResourceStatus": "UPDATE_FAILED" if self.error else "UPDATE_COMPLETE",
            "LogicalResourceId": self.logical_id,
            "Properties": self.new,
            "Attributes": {**(self.attributes or {}), **attributes},
            "Timestamp": NOW.current()(),
        }
        self.is_known = True

    def announce_failure(self) -> None:
        """Add the event of its failure, if there is none yet."""
        if "UPDATE_FAILED" not in self.announced:
            self._announce("UPDATE_FAILED", str(self.error))

    def _run_announced(self, update: Callable[..., Made]) -> None:
        self.run(update)
        if self.error is not None:
            self.announce_failure()
        else:
            self._announce("UPDATE_COMPLETE")

    def _announce(self, status: str, reason: str = "") -> None:
        stack: dict[str, Any] | None = STACKS.current().get(self.stack_name)
        if stack is None or stack is not self._stack:  # the account was emptied meanwhile
            return
        physical_id = self.physical_id if status == "UPDATE_COMPLETE" else ""
        add_event, stack_id = ADD_EVENT.current(), str(stack["StackId"])
        add_event(stack_id, self.stack_name, self.logical_id, self.resource_type, status, reason, physical_id)
        self.announced.add(status)
