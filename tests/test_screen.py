"""What a run shows of its results: every file while a person can take them in, then the folders that hold them."""

import pytest

from blueprints.screen import Screen

REPORT = {"pattern": "greeting", "steps": [], "result": {}, "not_emulated": []}


@pytest.fixture
def shown(capsys):
    def show(*files):
        Screen().show_run({**REPORT, "files": list(files)})
        return [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]

    return show


def test_a_few_files_are_all_named(shown):
    files = [f"/runs/greeting/{number}.txt" for number in range(8)]

    assert shown(*files) == files


def test_many_files_are_shown_by_their_folders(shown):
    many = [f"/runs/greeting/data/{number}.gz" for number in range(12)]

    assert shown(*many, "/runs/greeting/events.ndjson") == [
        "/runs/greeting/data  (12 files)",
        "/runs/greeting/events.ndjson",
    ]


def test_the_many_files_of_a_try_are_shown_by_their_folders_too(capsys):
    files = [f"/tries/notes/data/{number}.gz" for number in range(20)]
    trial = {"pattern": "notes", "passed": True, "result": {}, "files": files, "kept": False}

    Screen().show_trial(trial)

    assert "/tries/notes/data  (20 files)" in capsys.readouterr().out
