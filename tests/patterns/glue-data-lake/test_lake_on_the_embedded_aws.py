"""The deployed lake: an execution that was stopped in the middle of its job, two at once, and the maintenance."""

import json
import time
from types import SimpleNamespace

import pytest
from demo import DAYS, Lake, Shop

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern
from blueprints.progress import Progress

SECONDS = 400


@pytest.fixture(scope="module")
def stack(own):
    """The stack of the pattern on an embedded AWS, with its clients."""
    progress = Progress()
    prepared = prepare(Pattern.load(own), progress)
    with Cloud() as cloud:
        yield SimpleNamespace(outputs=bring_up(cloud, prepared, progress).outputs, client=cloud.client)


def start(stack, **given):
    machine = stack.outputs["StateMachine"]
    started = stack.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(given))
    return started["executionArn"]


def output(stack, execution):
    """The output of an execution that succeeds."""
    deadline = time.monotonic() + SECONDS
    while (found := stack.client("stepfunctions").describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert found["status"] == "SUCCEEDED", found
    return json.loads(found["output"])


def test_a_run_that_was_stopped_and_started_twice_at_once_ends_as_if_nothing_had_happened(stack):
    """Then the tables are maintained, with the permissions that the template gives the job, and keep their rows."""
    lake, shop, day = Lake(stack), Shop("shop"), DAYS[0]
    lake.deliver(day, "shop", shop.objects(day))
    stopped = start(stack, day=str(day))
    wait_for_the_first_table(stack)
    stack.client("stepfunctions").stop_execution(executionArn=stopped)

    executions = [start(stack, day=str(day)) for _ in range(2)]
    first, second = (output(stack, each) for each in executions)

    assert first == second
    assert {name: first[name] for name in shop.counts[day]} == dict(shop.counts[day])
    assert lake.revenue() == lake.revenue_in_postgres() == shop.revenue()
    assert output(stack, start(stack, maintain=True))["JobRunState"] == "SUCCEEDED"
    assert lake.revenue() == shop.revenue()


def wait_for_the_first_table(stack):
    deadline = time.monotonic() + SECONDS
    while not stack.client("glue").get_tables(DatabaseName=stack.outputs["Database"])["TableList"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
