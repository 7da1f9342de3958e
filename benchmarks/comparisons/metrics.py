"""What metrics cost in the embedded AWS: points that are recorded, and the way of an object with and without them.

The points are those of function invocations: five values each, by function, by alias and by version. The base emulator
keeps every point, and ours merges equal values of a moment and keeps the latest ones. Both run in this process, each
through its own entry point, in turn.

For the way of an object, the same stack is deployed to two embedded AWS, one of which records no metrics of services.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, Target
from benchmarks.comparisons.latency import DeployedStack
from benchmarks.harness import Bench, Sample, Variant

TITLE = "Metrics of the embedded AWS"

_POINTS = 100_000
_OBJECTS = 40
_WARM_UPS = 5
_ACCOUNT, _REGION = "000000000000", "us-east-1"
_FUNCTIONS = 10


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the time that the points take, and the time from the put of an object to its copy."""
    from importlib.metadata import version

    bench.uses("ministack", version("ministack"))
    yield from _points(bench)
    yield from _objects(bench)


def _points(bench: Bench) -> Iterable[Claim]:
    named = f"{_POINTS:,} points of function invocations"
    theirs, ours = _recorders()
    variants = {
        "peer": Variant("ministack's record_metric", lambda: _timed(theirs)),
        "ours": Variant("ours", lambda: _timed(ours)),
    }
    timed = bench.measure(named, variants)
    seconds = {each.name: each.median("cpu") or 0.0 for each in timed.values()}
    note = "Points a second: " + ", ".join(f"{name} {_POINTS / taken:,.0f}" for name, taken in seconds.items())
    yield Claim(named, timed, note=note)
    yield Claim(named, timed, target=Target("at_most", 1.0), note=note)


def _recorders() -> tuple[Callable[[], None], Callable[[], None]]:
    """Return functions that record the points with the base emulator's function, and with ours."""
    from blueprints.local.base import metrics
    from blueprints.local.base.clock import Clock
    from blueprints.local.services.cloudwatch.recording import Recording
    from blueprints.local.services.lambda_.metrics import record_invocation

    stock = metrics.RECORD.current()
    recording = Recording(Clock(60))

    def recording_with(record: Callable[..., None]) -> Callable[[], None]:
        def run() -> None:
            metrics.RECORD.replace(record)
            try:
                for config, milliseconds in _invocations():
                    record_invocation(config, {}, milliseconds, 1)
            finally:
                metrics.RECORD.replace(stock)

        return run

    return recording_with(stock), recording_with(recording.record)


def _invocations() -> Iterator[tuple[dict[str, Any], float]]:
    """Yield the configurations and durations of invocations that have as many points."""
    configs = [
        {
            "FunctionName": f"function-{number}",
            "FunctionArn": f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:function-{number}:live",
            "Version": "3",
        }
        for number in range(_FUNCTIONS)
    ]
    of_one = 5 * 3
    for number in range(_POINTS // of_one):
        yield configs[number % _FUNCTIONS], 1.0 + number / 1000


def _timed(record: Callable[[], None]) -> Sample:
    from blueprints.local.services.cloudwatch.recording import METRICS

    METRICS.current().clear()
    began, began_cpu = time.perf_counter(), time.process_time()
    record()
    sample = Sample(wall=time.perf_counter() - began, cpu=time.process_time() - began_cpu)
    names = {key[1] for _, key in ((scope, key) for (*scope, key), _ in METRICS.current().all_items())}
    if names != {"Throttles", "Invocations", "Errors", "Duration", "ConcurrentExecutions"}:
        raise RuntimeError(f"these metrics were recorded: {names}")
    return sample


def _objects(bench: Bench) -> Iterable[Claim]:
    from blueprints.local.cloud import Cloud
    from blueprints.local.server_process import ServerProcess

    class WithoutMetrics(ServerProcess):
        module = "benchmarks.server_without_metrics"

    bench.progress("starting and deploying to both")
    silent = WithoutMetrics()
    silent.start()
    with Cloud() as cloud, Cloud(server=silent) as other:
        ours, off = DeployedStack.deployed(cloud.endpoint), DeployedStack.deployed(other.endpoint)
        _check(cloud, other, ours, off)
        named = f"{_OBJECTS} times S3 put to its copy, with metrics"
        variants = {
            "peer": Variant("ours without metrics", lambda: _copies(other, off)),
            "ours": Variant("ours", lambda: _copies(cloud, ours)),
        }
        timed = bench.measure(named, variants, rounds=3 if bench.quick else 15)
        yield Claim(named, timed, measure="wall", target=Target("within", 1.1))
        if timed["ours"].values("cpu"):
            yield Claim(f"{named}: CPU time of the process", timed, measure="cpu", target=Target("within", 1.1))


def _copies(cloud: Any, stack: DeployedStack) -> Sample:
    """Put objects one after the other; the CPU time is that of the emulator without its functions."""
    began, began_cpu = time.perf_counter(), _cpu(cloud.process_id)
    for _ in range(_OBJECTS):
        stack.put_to_copy()
    ended_cpu = _cpu(cloud.process_id)
    used = None if began_cpu is None or ended_cpu is None else ended_cpu - began_cpu
    return Sample(wall=time.perf_counter() - began, cpu=used)


def _cpu(process_id: int) -> float | None:
    """The CPU seconds that a process has used; None where the system does not show them."""
    status = Path(f"/proc/{process_id}/stat")
    if not status.is_file():
        return None
    user, system = status.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _check(cloud: Any, other: Any, ours: DeployedStack, off: DeployedStack) -> None:
    """Warm both up, and see that only one of them records."""
    for _ in range(_WARM_UPS):
        ours.put_to_copy()
        off.put_to_copy()
    for each, expected in ((cloud, True), (other, False)):
        found = each.client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"]
        if bool(found) != expected:
            raise RuntimeError(f"{len(found)} metrics of functions were recorded")
