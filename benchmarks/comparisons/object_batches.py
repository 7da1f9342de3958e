"""stepfunctions-etl's distributed map with batches of different sizes, on the embedded AWS.

The pattern is deployed once; for each size its state machine gets the definition with that `MaxItemsPerBatch`. A round
delivers the demo's objects (2,100 rows each) below a new run id, starts the run, and takes the duration of its Map Run.
Small batches run at the same time but pay for each execution and invocation; large ones leave processors idle. How many
run at the same time is the pattern's own default; the functions are warm.
"""

import importlib.util
import json
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from benchmarks.claims import Claim
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT

TITLE = "Objects in batches"

_PATTERN = ROOT / "patterns" / "stepfunctions-etl"
_SIZES = (1, 5, 10, 25, 50)
_PATIENCE = 300.0


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the time that each size takes against batches of one object."""
    from blueprints.local.bring_up import bring_up, prepare
    from blueprints.local.cloud import Cloud
    from blueprints.pattern import Pattern
    from blueprints.progress import Progress

    progress = Progress()
    prepared = prepare(Pattern.load(_PATTERN), progress)
    objects = _objects(10 if bench.quick else 50)
    sizes = [size for size in _SIZES if size <= len(objects)]
    bench.progress("deploying stepfunctions-etl")
    with Cloud() as cloud:
        runs = Runs(cloud.client, bring_up(cloud, prepared, progress).outputs, objects)
        variants = {str(size): Variant(_named(size), partial(runs.run, size)) for size in sizes}
        timed = bench.measure(f"{len(objects)} objects", variants, rounds=3)
        for size in sizes[1:]:
            ways = {"peer": timed["1"], "ours": timed[str(size)]}
            yield Claim(f"{len(objects)} objects, {size} in a batch", ways, measure="wall")


def _named(size: int) -> str:
    return f"{size} object{'s' * (size > 1)} in a batch"


def _objects(count: int) -> dict[str, bytes]:
    """Objects of the demo that can be read."""
    spec = importlib.util.spec_from_file_location("demo of stepfunctions-etl", _PATTERN / "demo.py")
    assert spec
    assert spec.loader
    demo = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = demo  # dataclasses look it up
    spec.loader.exec_module(demo)
    rows = demo.make_orders(demo.ROWS, demo.plausible_days)
    content = demo.csv_text(rows, demo.COLUMNS, "\n").encode()
    return {f"orders-{number:02}.csv": content for number in range(count)}


class Runs:
    """Runs of the deployed pattern."""

    def __init__(self, client: Callable[[str], Any], outputs: dict[str, str], objects: dict[str, bytes]) -> None:
        self._s3, self._states = client("s3"), client("stepfunctions")
        self._bucket, self._objects = outputs["LakeBucket"], objects
        self._machine = outputs["StateMachine"].rpartition(":")[0]  # without the alias
        described = self._states.describe_state_machine(stateMachineArn=self._machine)
        self._definition = json.loads(described["definition"])

    def run(self, size: int) -> Sample:
        """Run once with batches of `size` objects. Raises RuntimeError unless every object was transformed."""
        batcher = self._definition["States"]["TransformObjects"]["ItemBatcher"]
        batcher["MaxItemsPerBatch"] = re.sub(r"'\d+'", f"'{size}'", batcher["MaxItemsPerBatch"])
        self._states.update_state_machine(stateMachineArn=self._machine, definition=json.dumps(self._definition))
        run_id = f"batches-{uuid.uuid4().hex[:8]}"
        for name, content in self._objects.items():
            self._s3.put_object(Bucket=self._bucket, Key=f"incoming/{run_id}/{name}", Body=content)
        given = json.dumps({"run_id": run_id})
        arn = self._states.start_execution(stateMachineArn=self._machine, input=given)["executionArn"]
        report = self._wait_for(arn)
        if report["objects"] != len(self._objects) or report["unreadable"] or report["failed"]:
            raise RuntimeError(f"not every object was transformed: {report}")
        (listed,) = self._states.list_map_runs(executionArn=arn)["mapRuns"]
        map_run = self._states.describe_map_run(mapRunArn=listed["mapRunArn"])
        if map_run["executionCounts"]["total"] != -(-len(self._objects) // size):
            raise RuntimeError(f"the Map Run had {map_run['executionCounts']['total']} batches")
        return Sample(wall=(map_run["stopDate"] - map_run["startDate"]).total_seconds())

    def _wait_for(self, arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while (execution := self._states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{arn} still runs after {_PATIENCE} s")
            time.sleep(0.1)
        if execution["status"] != "SUCCEEDED":
            raise RuntimeError(f"{arn}: {execution.get('error')}: {execution.get('cause')}")
        report: dict[str, Any] = json.loads(execution["output"])
        return report
