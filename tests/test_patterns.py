"""Every pattern keeps every promise and plays its story."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from blueprints.pattern import discover
from blueprints.promises import check

BLUEPRINTS = Path(sys.executable).with_name("blueprints")
PATTERNS = discover()


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_every_promise_is_kept(pattern):
    (report,) = check([pattern])

    assert [str(finding) for finding in report.findings] == []


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_the_demo_plays_on_the_embedded_aws(pattern, tmp_path):
    played = subprocess.run(
        [BLUEPRINTS, "run", pattern.name, "--json"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )

    assert played.returncode == 0, played.stderr
    report = json.loads(played.stdout)
    assert report["pattern"] == pattern.name
    assert report["result"]
    for file in report["files"]:
        assert Path(file).stat().st_size > 0
