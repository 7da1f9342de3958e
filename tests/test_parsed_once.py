"""A command parses a template once, however many of its parts read it."""

import json
import os
import subprocess
import sys

import pytest

from tests import small_pattern

SCRIPT = """
import collections, json, sys
from blueprints.cli import main
from blueprints.template import reading

parsed = collections.Counter()
read = reading._Reader.read

def counted(self, text):
    parsed[str(self.path)] += 1
    return read(self, text)

reading._Reader.read = counted
try:
    main(sys.argv[1:])
finally:
    print("\\n" + json.dumps(parsed), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_pattern.write(tmp_path_factory.mktemp("small") / "copy-object")


@pytest.mark.parametrize("command", ["check", "build", "list", "run"])
def test_a_template_is_parsed_once(command, folder, tmp_path):
    arguments = [command] if command == "list" else [command, str(folder)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"BLUEPRINTS_CACHE": str(tmp_path / "cache")},
    )
    parsed = json.loads(done.stderr.splitlines()[-1])
    if command != "list":
        assert parsed[str(folder / "template.yaml")] == 1, done.stderr
    assert set(parsed.values()) == {1}
