"""Any items fail any number of times: no item is lost or processed again after it succeeded."""

import json
from collections import Counter
from itertools import chain
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.distributed_map.conftest import TASK, WORK, PlayedMaps, distributed
from tests.local.stepfunctions.execution.histories import output

WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "lake"}}


class FlakyWork:
    """Work that fails for a batch as long as an item in it has failures left."""

    def __init__(self, failures: list[int]) -> None:
        self.left = list(failures)
        self.succeeded: Counter[int] = Counter()

    def __call__(self, batch: Any) -> Any:
        items = batch["Items"]
        failing = [each for each in items if self.left[each]]
        for each in failing:
            self.left[each] -= 1
        if failing:
            raise StateFailed("Broken", str(failing))
        self.succeeded.update(items)
        return items


@settings(max_examples=60, deadline=None)
@given(
    failures=st.lists(st.integers(0, 2), max_size=12),
    batch=st.integers(1, 4),
    at_once=st.integers(0, 3),
    tolerated=st.integers(0, 4),
    kind=st.sampled_from(["STANDARD", "EXPRESS"]),
)
@example([0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 1], 2, 3, 2, "STANDARD")  # a redrive ends before it has redriven every child
def test_redrives_complete_every_item_once(failures: list[int], batch: int, at_once: int, tolerated: int, kind: str):
    play = PlayedMaps()
    try:
        work = play.tasks.functions[WORK] = FlakyWork(failures)
        machine = distributed(
            TASK,
            kind=kind,
            MaxConcurrency=at_once,
            ToleratedFailureCount=tolerated,
            ItemBatcher={"MaxItemsPerBatch": batch},
            ResultWriter=WRITER,
        )
        execution = play(machine, list(range(len(failures))))
        for _ in range(2 * len(failures) + 1):
            check(play, execution, work, len(failures))
            if execution.status == "SUCCEEDED":
                break
            play.redrive(execution)
        assert output(execution)["MapRunArn"] == play.run_of(execution).arn
        failed = play.run_of(execution).description()["itemCounts"]["failed"]
        assert sum(work.succeeded.values()) + failed == len(failures)
        assert failed <= tolerated
    finally:
        play.maps.reset()
        play.engine.reset()
        play.engine.close()
        play.maps.close()


def check(play: PlayedMaps, execution: Any, work: FlakyWork, items: int) -> None:
    """The counts of the Map Run, its result files and what the work has done agree."""
    run = play.run_of(execution)
    counts = run.description()["itemCounts"]
    assert counts["total"] == items
    assert counts["running"] == counts["pendingRedrive"] == 0
    assert set(work.succeeded.values()) <= {1}
    assert counts["succeeded"] == len(work.succeeded)
    manifest = json.loads(play.s3.objects[f"{run.id}/manifest.json"])
    written = {
        kind: [
            item
            for file in files
            for record in json.loads(play.s3.objects[file["Key"]])
            for item in json.loads(record["Input"])["Items"]
        ]
        for kind, files in manifest["ResultFiles"].items()
    }
    assert sorted(chain.from_iterable(written.values())) == list(range(items))
    assert sorted(written["SUCCEEDED"]) == sorted(work.succeeded)
    assert len(written["PENDING"]) == counts["pending"]
