"""The tests of this repository are spread over processes: what becomes of those beside one that ends its process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_test_that_ends_its_process_fails_once_and_the_others_run(tmp_path):
    (tmp_path / "test_ending.py").write_text("import os\ndef test_end(): os._exit(3)\ndef test_after(): pass\n")
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.scheduling", "-n", "2", "--dist", "loadscope"]

    ended = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert "crashed while running 'test_ending.py::test_end'" in ended.stdout
    assert "1 failed, 2 passed" in ended.stdout
