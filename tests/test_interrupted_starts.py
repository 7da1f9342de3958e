"""A run that ends while the embedded AWS starts, deploys or starts functions leaves no process and no folder."""

import signal

import pytest

from tests import small_pattern
from tests.local.waiting import until
from tests.small_pattern import HANDLER
from tests.test_cli import Shell

# Paths below the temporary folder that show how far the run is.
MOMENTS = {
    "the process was started": "blueprints-*",
    "it imports the base emulator": "blueprints-*/tmp",
    "functions start": "blueprints-*/environments/*/root",
}
# A tool that is killed before it started the process cannot remove the folder that it made for it.
CASES = [
    (moment, ending)
    for moment in MOMENTS
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    if (moment, ending) != ("the process was started", signal.SIGKILL)
]
SLOW = HANDLER.replace("import boto3", "import time\n\n    import boto3\n\n    time.sleep(8)", 1)


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path / "work")


@pytest.fixture
def slow(tmp_path):
    """A pattern whose function takes long to start."""
    return str(small_pattern.write(tmp_path / "greeting", handler=SLOW))


@pytest.mark.parametrize(("moment", "ending"), CASES, ids=lambda each: getattr(each, "name", each))
def test_nothing_stays(shell, slow, moment, ending):
    if moment == "functions start" and not _has_own_view_of_files():
        pytest.skip("functions use the machine's own files here, so no folder shows that one starts")
    running = shell.start("run", slow)
    until(lambda: list(shell.temporary.glob(MOMENTS[moment])), 60)

    running.send_signal(ending)
    _, said = running.communicate(timeout=20)

    assert running.returncode in (130, 143, -signal.SIGKILL)
    assert "Traceback" not in said
    if ending == signal.SIGKILL:
        until(lambda: not shell.left_behind(), 20)
    assert shell.left_behind() == []


def test_a_refused_template_ends_the_process_that_starts_meanwhile(shell, tmp_path):
    template = small_pattern.TEMPLATE.replace("MemorySize: 256", "MemorySiz: 256")
    broken = str(small_pattern.write(tmp_path / "greeting", template=template))

    ended = shell("run", broken)

    assert ended.returncode == 1
    assert ended.stderr.count("has no property MemorySiz") == 1
    assert "Start the embedded AWS" not in ended.output
    assert shell.left_behind() == []


def _has_own_view_of_files():
    from blueprints.local.services.lambda_.file_system import unavailable

    return unavailable() is None
