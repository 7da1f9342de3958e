"""Activities and the tasks that workers poll for, and the answers to task tokens."""

import threading
from collections.abc import Sequence
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.api.machine_settings import read_encryption
from blueprints.local.services.stepfunctions.api.pages import page
from blueprints.local.services.stepfunctions.api.records import Activity
from blueprints.local.services.stepfunctions.api.tags import read_tags
from blueprints.local.services.stepfunctions.tasks import Activities as ActivityTasks
from blueprints.local.services.stepfunctions.tasks import TaskTokens

_POLL_SECONDS = 60
"""How long AWS lets a worker wait for a task."""

Answer = dict[str, Any]


class Activities:
    """The operations on activities."""

    def __init__(self, tasks: ActivityTasks, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock
        self._activities: dict[str, Activity] = {}
        self._changing = threading.Lock()

    def reset(self) -> None:
        """Delete every activity."""
        self._activities = {}

    def create(self, given: Answer) -> Answer:
        """CreateActivity. A repeated request with the same parameters finds the first one's activity."""
        name = given["name"]
        arns.check_name(name)
        arn = arns.make(arns.ACTIVITY, name)
        encryption = read_encryption(given.get("encryptionConfiguration"))
        asked = Activity(arn, name, read_tags(given.get("tags", ()), arn), encryption)
        with self._changing:
            activity = self._activities.setdefault(arn, asked)
            self._tasks.create(arn)
        if activity.encryption != encryption:
            raise ServiceError("ActivityAlreadyExists", f"Activity Already Exists: '{arn}'")
        return {"activityArn": arn, "creationDate": activity.created}

    def describe(self, given: Answer) -> Answer:
        """DescribeActivity."""
        activity = self.get(given["activityArn"])
        return {**_summary(activity), "encryptionConfiguration": activity.encryption}

    def list(self, given: Answer) -> Answer:
        """ListActivities, by name."""
        shown, token = page(self.of_request(), given, lambda each: each.name)
        return {"activities": [_summary(each) for each in shown], "nextToken": token}

    def delete(self, given: Answer) -> Answer:
        """DeleteActivity, which also succeeds if there is none."""
        arn = given["activityArn"]
        arns.check(arn, arns.ACTIVITY)
        if arns.is_of_request(arn):
            with self._changing:
                self._activities.pop(arn, None)
                self._tasks.delete(arn)
        return {}

    def poll(self, given: Answer) -> Answer:
        """GetActivityTask: a task, or an answer without one after a minute of the clock."""
        activity = self.get(given["activityArn"])
        task = self._tasks.take(activity.arn, given.get("workerName"), self._clock.real(_POLL_SECONDS))
        return {"taskToken": task.token, "input": task.input_text} if task else {}

    def of_request(self) -> Sequence[Activity]:
        """The activities of the request's account and Region, by name."""
        mine = [each for each in list(self._activities.values()) if arns.is_of_request(each.arn)]
        return sorted(mine, key=lambda each: each.name)

    def find(self, arn: str) -> Activity | None:
        """The activity of an ARN."""
        return self._activities.get(arn) if arns.is_of_request(arn) else None

    def get(self, arn: str) -> Activity:
        """The activity of an ARN. Raises ServiceError."""
        arns.check(arn, arns.ACTIVITY)
        activity = self.find(arn)
        if activity is None:
            raise ServiceError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
        return activity


class TaskAnswers:
    """The operations with which a worker answers a task token."""

    def __init__(self, tokens: TaskTokens) -> None:
        self._tokens = tokens

    def succeed(self, given: Answer) -> Answer:
        """SendTaskSuccess."""
        self._tokens.succeed(given["taskToken"], given["output"])
        return {}

    def fail(self, given: Answer) -> Answer:
        """SendTaskFailure."""
        self._tokens.fail(given["taskToken"], given.get("error"), given.get("cause"))
        return {}

    def beat(self, given: Answer) -> Answer:
        """SendTaskHeartbeat."""
        self._tokens.heartbeat(given["taskToken"])
        return {}


def _summary(activity: Activity) -> Answer:
    return {"activityArn": activity.arn, "name": activity.name, "creationDate": activity.created}
