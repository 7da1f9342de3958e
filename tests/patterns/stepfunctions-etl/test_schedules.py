"""What is promised of runs holds on random schedules of Step Functions, Lambda, S3 and people (see run_simulation)."""

from unittest import mock

import pytest
from run_simulation import Runs, publish_run, run_files, transform_objects
from schedules import KINDS

EACH = 340  # schedules of a kind; 2,040 together


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(kind) or "plain")
def test_runs_are_committed_whole_or_not_at_all(kind):
    """With kills, errors, lost responses, failed batches, stopped executions, redrives and several runs at once.

    The manifest names what is there, the pointer names a committed run whose model passed the gate against the model
    that it replaced, a failed run leaves neither, and a run that has ended changes nothing when it is started again.
    """
    play_all(**kind)


def publish_without_comparing(files, manifest, gate):
    """Replace the pointer that is there now, not the one that the gate compared with."""
    current, etag = files.current_model()
    if gate["passed"] and not (current and current["run_id"] == files.run_id):
        publish(files, manifest, {**gate, "current_etag": etag})


def publish_before_the_manifest(files, run, model, gate):
    """Replace the pointer first."""
    publish(files, {"model": model}, gate)
    return commit(files, run, model, gate)


def transform_parts_first(files, item):
    """Say that a part is done before its files are written."""
    files.put(
        f"parts/{item['part']}.json", run_files.canonical(CLAIMED | {"object": item["key"], "etag": item["etag"]})
    )
    return transform(files, item)


publish, commit, transform = publish_run.publish, publish_run.commit, transform_objects.transform
CLAIMED = {"unreadable": None, "files": {}, "rows_in": 1, "rows_out": 1, "rows_rejected": 0}


@pytest.mark.parametrize(
    ("module", "name", "mutation"),
    [
        (publish_run, "publish", publish_without_comparing),
        (publish_run, "commit", publish_before_the_manifest),
        (transform_objects, "transform", transform_parts_first),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_the_schedules_find_a_step_in_the_wrong_order(module, name, mutation):
    with mock.patch.object(module, name, mutation), pytest.raises(AssertionError):
        play_all(twice=True, late=True)


def play_all(**kind):
    for seed in range(EACH):
        Runs(seed, **kind).play()
