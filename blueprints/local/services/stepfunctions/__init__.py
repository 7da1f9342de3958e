"""Step Functions, in place of the base emulator's interpreter.

api              the operations, and what an account has
execution        runs executions and records their history
tasks            calls functions, activities and AWS in the role of the state machine
distributed_map  runs the items of a distributed Map state as executions of their own
resource_types   state machines, versions, aliases and activities of templates
event_targets    rules, schedules and pipes start executions
observers        execution logs, metrics and status events

The Amazon States Language is in `blueprints/states_language/`, because `blueprints check` reads definitions too.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource
from blueprints.local.base.protocol import register
from blueprints.local.services.stepfunctions import event_targets, resource_types
from blueprints.local.services.stepfunctions.api import qualified_permissions, requested_resources
from blueprints.local.services.stepfunctions.api.operations import API, WAITING, Operations
from blueprints.local.services.stepfunctions.distributed_map.machine_roles import MachineRoles
from blueprints.local.services.stepfunctions.distributed_map.runner import DistributedMaps
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.observers import Observers
from blueprints.local.services.stepfunctions.tasks import Tasks

log = logging.getLogger(__name__)


class StepFunctions(Extension):
    """State machines, their executions, versions and aliases."""

    after = ("eventbridge", "iam", "lambda_", "logs")

    def install(self, aws: EmbeddedAws) -> None:
        self._tasks = Tasks(aws.endpoint, aws.clock)
        self._distributed_maps = DistributedMaps(MachineRoles(self._tasks.roles))
        self._engine = Engine(aws.clock, self._tasks, self._distributed_maps)
        self._distributed_maps.attach(self._engine)
        self._operations = Operations(self._engine, self._tasks, self._distributed_maps)
        requested_resources.install(self._operations.tagged)
        register(API, self._operations.by_name, WAITING)
        aws.offer(self._operations)
        self._clock = aws.clock
        self._observers = Observers(self._engine)
        operations = self._operations.by_name
        event_targets.install_pipes(operations["StartExecution"], operations["StartSyncExecution"], log.error)
        resource_types.install(self._call)
        qualified_permissions.install()

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return resource_types.resource_types(self._call, self._clock)

    def event_targets(self) -> Mapping[str, Callable[..., None]]:
        return {"states": event_targets.event_target(self._operations.by_name["StartExecution"])}

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"states": self._requested_resource}

    def reset(self) -> None:
        self._operations.reset()
        # Before the engine: what it cancels then writes no results and stops no jobs.
        self._distributed_maps.reset()
        self._tasks.reset()
        self._engine.reset()
        self._observers.reset()

    def close(self) -> None:
        self._engine.close()
        self._distributed_maps.close()
        self._tasks.close()
        self._observers.close()

    def _requested_resource(self, request: dict[str, Any], query: dict[str, Any]) -> str | None:
        """The ARN, or its part after the account. For an answer to a task token, that of the machine or activity."""
        token = request.get("taskToken")
        of_token = self._tasks.tokens.resource_of(token) if isinstance(token, str) else None
        return of_token or requested_resources.requested_resource(request, query)

    def _call(self, operation: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        """Call an operation as CloudFormation does, in the account and Region of the present context."""
        return self._operations.by_name[operation](API.check(operation, parameters))


EXTENSION = StepFunctions()
