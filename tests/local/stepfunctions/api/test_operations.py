"""The API has every operation of the service's model."""

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.api.operations import API, WAITING, Operations
from blueprints.local.services.stepfunctions.distributed_map.machine_roles import MachineRoles
from blueprints.local.services.stepfunctions.distributed_map.runner import DistributedMaps
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.tasks import Tasks


def test_every_operation_of_the_model_is_answered():
    clock = Clock()
    tasks = Tasks("http://127.0.0.1:1", clock)
    maps = DistributedMaps(MachineRoles(tasks.roles))

    operations = Operations(Engine(clock, tasks, maps), tasks, maps).by_name

    assert set(operations) == set(API.model.operation_names)
    assert set(operations) >= WAITING
    tasks.close()
    maps.close()
