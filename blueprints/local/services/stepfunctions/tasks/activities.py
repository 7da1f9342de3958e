"""Activities: queues from which workers outside of AWS take tasks.

Source: AWS Step Functions API Reference, GetActivityTask.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ActivityTask:
    """A task that a worker may take."""

    token: str
    input_text: str
    """JSON."""
    started: Callable[[str | None], Any]
    """Called with the worker's name when one takes it, on the worker's thread."""


class Activities:
    """The tasks that wait for a worker, by the activity's ARN."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[ActivityTask]] = {}
        self._changed = threading.Condition()
        self._generation = 0

    def create(self, activity_arn: str) -> None:
        """Accept tasks for an activity."""
        with self._changed:
            self._queues.setdefault(activity_arn, deque())

    def delete(self, activity_arn: str) -> None:
        """Accept no tasks any more. Those that wait are given to no worker."""
        with self._changed:
            self._queues.pop(activity_arn, None)

    def schedule(self, activity_arn: str, task: ActivityTask) -> None:
        """Offer a task to the activity's workers. Raises LookupError if there is no such activity."""
        with self._changed:
            if activity_arn not in self._queues:
                raise LookupError(activity_arn)
            self._queues[activity_arn].append(task)
            self._changed.notify_all()

    def withdraw(self, activity_arn: str, task: ActivityTask) -> None:
        """Do not offer a task any more; without effect when a worker took it."""
        with self._changed:
            queue = self._queues.get(activity_arn)
            if queue and task in queue:
                queue.remove(task)

    def take(self, activity_arn: str, worker_name: str | None, real_seconds: float) -> ActivityTask | None:
        """GetActivityTask: the oldest task, waiting for one if there is none. Blocks its thread so long."""
        with self._changed:
            generation = self._generation
            self._changed.wait_for(
                lambda: self._queues.get(activity_arn) or self._generation != generation, real_seconds
            )
            queue = self._queues.get(activity_arn)
            if not queue or self._generation != generation:
                return None
            task = queue.popleft()
            # Within the lock: a task that is given out is not withdrawn as well.
            task.started(worker_name)
        return task

    def reset(self) -> None:
        """Forget every task, and send waiting workers away."""
        with self._changed:
            self._generation += 1
            self._queues.clear()
            self._changed.notify_all()
