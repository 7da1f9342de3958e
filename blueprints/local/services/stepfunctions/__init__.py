"""Step Functions, in place of the base emulator's interpreter.

api              the operations, and what an account has
execution        runs executions and records their history
tasks            calls functions, activities and AWS in the role of the state machine
distributed_map  runs the items of a distributed Map state as executions of their own

The Amazon States Language is in `blueprints/states_language/`, because `blueprints check` reads definitions too.
"""

from collections.abc import Mapping

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource
from blueprints.local.base.protocol import register
from blueprints.local.services.stepfunctions.api import requested_resources
from blueprints.local.services.stepfunctions.api.operations import API, WAITING, Operations
from blueprints.local.services.stepfunctions.distributed_map.machine_roles import MachineRoles
from blueprints.local.services.stepfunctions.distributed_map.runner import DistributedMaps
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.tasks import Tasks


class StepFunctions(Extension):
    """State machines, their executions, versions and aliases."""

    after = ("iam", "lambda_", "logs")

    def install(self, aws: EmbeddedAws) -> None:
        self._tasks = Tasks(aws.endpoint, aws.clock)
        self._distributed_maps = DistributedMaps(MachineRoles(self._tasks.roles))
        self._engine = Engine(aws.clock, self._tasks, self._distributed_maps)
        self._distributed_maps.attach(self._engine)
        self._operations = Operations(self._engine, self._tasks, self._distributed_maps)
        requested_resources.install(self._operations.tagged)
        register(API, self._operations.by_name, WAITING)
        aws.offer(self._operations)

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"states": requested_resources.requested_resource}

    def reset(self) -> None:
        self._operations.reset()
        self._engine.reset()
        self._distributed_maps.reset()
        self._tasks.reset()

    def close(self) -> None:
        self._engine.close()
        self._distributed_maps.close()
        self._tasks.close()


EXTENSION = StepFunctions()
