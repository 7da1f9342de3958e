"""Every operation of the API."""

from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.protocol import Api
from blueprints.local.services.stepfunctions.api.activities import Activities, TaskAnswers
from blueprints.local.services.stepfunctions.api.aliases import Aliases
from blueprints.local.services.stepfunctions.api.definition_validation import validate
from blueprints.local.services.stepfunctions.api.execution_store import ExecutionStore
from blueprints.local.services.stepfunctions.api.executions import Executions
from blueprints.local.services.stepfunctions.api.machine_store import MachineStore
from blueprints.local.services.stepfunctions.api.map_runs import MapRunOperations
from blueprints.local.services.stepfunctions.api.state_machines import StateMachines
from blueprints.local.services.stepfunctions.api.state_tests import StateTests
from blueprints.local.services.stepfunctions.api.tags import Tags
from blueprints.local.services.stepfunctions.api.versions import Versions
from blueprints.local.services.stepfunctions.distributed_map.runner import DistributedMaps
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.tasks import Tasks

API = Api("stepfunctions", invalid="ValidationException", constrained=True)
WAITING = frozenset({"StartSyncExecution", "GetActivityTask", "TestState", "StopExecution"})
"""The operations that wait for what other requests or executions do."""

Answer = dict[str, Any]
Operation = Callable[[Answer], Answer]


class Operations:
    """The API's state, and its operations by name."""

    def __init__(self, engine: Engine, tasks: Tasks, distributed_maps: DistributedMaps) -> None:
        runs = MapRunOperations(distributed_maps.map_runs)
        self.execution_store = ExecutionStore(runs)
        self.machine_store = MachineStore(self.execution_store)
        versions = Versions(self.machine_store)
        self.machines = StateMachines(self.machine_store, versions)
        self.executions = Executions(self.machine_store, self.execution_store, engine)
        runs.of_executions(self.executions)
        self._activities = Activities(tasks.activities, engine.clock)
        aliases = Aliases(self.machine_store)
        answers, tags = TaskAnswers(tasks.tokens), Tags(self.tags_of)
        self.by_name: dict[str, Operation] = {
            "CreateStateMachine": self.machines.create,
            "UpdateStateMachine": self.machines.update,
            "DescribeStateMachine": self.machines.describe,
            "ListStateMachines": self.machines.list,
            "DeleteStateMachine": self.machines.delete,
            "PublishStateMachineVersion": versions.publish,
            "ListStateMachineVersions": versions.list,
            "DeleteStateMachineVersion": versions.delete,
            "CreateStateMachineAlias": aliases.create,
            "UpdateStateMachineAlias": aliases.update,
            "DescribeStateMachineAlias": aliases.describe,
            "ListStateMachineAliases": aliases.list,
            "DeleteStateMachineAlias": aliases.delete,
            "StartExecution": self.executions.start,
            "StartSyncExecution": self.executions.start_synchronously,
            "StopExecution": self.executions.stop,
            "RedriveExecution": self.executions.redrive,
            "DescribeExecution": self.executions.describe,
            "DescribeStateMachineForExecution": self.executions.describe_machine,
            "GetExecutionHistory": self.executions.history,
            "ListExecutions": self.executions.list,
            "DescribeMapRun": runs.describe,
            "ListMapRuns": runs.list,
            "UpdateMapRun": runs.update,
            "CreateActivity": self._activities.create,
            "DescribeActivity": self._activities.describe,
            "ListActivities": self._activities.list,
            "DeleteActivity": self._activities.delete,
            "GetActivityTask": self._activities.poll,
            "SendTaskSuccess": answers.succeed,
            "SendTaskFailure": answers.fail,
            "SendTaskHeartbeat": answers.beat,
            "TagResource": tags.add,
            "UntagResource": tags.remove,
            "ListTagsForResource": tags.list,
            "ValidateStateMachineDefinition": validate,
            "TestState": StateTests(engine.loop, engine.clock, tasks, distributed_maps).test,
        }

    def tags_of(self, arn: str) -> dict[str, str] | None:
        """The tags of a state machine or an activity of the request's account, or None if there is no such resource."""
        resource = self.machine_store.find(arn) or self._activities.find(arn)
        return resource.tags if resource else None

    def tagged(self) -> Iterator[tuple[str, dict[str, str]]]:
        """The state machines and activities of the request's account and Region, with their tags."""
        for machine in self.machine_store.of_request():
            yield machine.arn, machine.tags
        for activity in self._activities.of_request():
            yield activity.arn, activity.tags

    def reset(self) -> None:
        """Delete everything, in every account and Region."""
        self.machine_store.reset()
        self.execution_store.reset()
        self.executions.reset()
        self._activities.reset()
