"""The deployed lake: a stopped execution, two at once, the maintenance, and small runs without Spark."""

import gzip
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


@pytest.fixture(scope="module", params=[{}], ids=["default"])
def stack(own, request):
    """The stack of the pattern on an embedded AWS, with its clients; the parameter holds the template's parameters."""
    progress = Progress()
    prepared = prepare(Pattern.load(own), progress, request.param)
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


@pytest.mark.parametrize("stack", [{"SmallRunMegabytes": "1", "StopPercent": "10"}], indirect=True, ids=["small runs"])
def test_small_runs_take_the_function_and_larger_ones_spark_with_the_same_outcome(stack):
    """Of the second day, an object is larger than one megabyte when it is unpacked; both engines share the tables."""
    lake, shop = Lake(stack), Shop("shop")
    reports = []
    for day in DAYS:
        objects = shop.objects(day)
        if day == DAYS[1]:
            objects["large.csv.gz"] = gzip.compress(b"order_id\n" + b"1\n" * 600_000)
            shop.counts[day]["unreadable"] += 1
            assert len(objects["large.csv.gz"]) < 50_000
        lake.deliver(day, "shop", objects)
        reports.append(lake.curate(day, "shop"))
        assert {name: reports[-1][name] for name in shop.counts[day]} == dict(shop.counts[day])
    assert [(report["engine"], report["dpu_seconds"] > 0) for report in reports] == [("lambda", False), ("spark", True)]
    assert lake.revenue() == lake.revenue_in_postgres() == shop.revenue()
    assert lake.curate(DAYS[0], "shop") == reports[0]


def wait_for_the_first_table(stack):
    deadline = time.monotonic() + SECONDS
    while not stack.client("glue").get_tables(DatabaseName=stack.outputs["Database"])["TableList"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
