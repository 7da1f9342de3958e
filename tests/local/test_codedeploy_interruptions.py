"""An embedded AWS that is emptied or ends during a deployment leaves nothing of it."""

import os
import threading
import time

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from tests.local.fleet import Fleet
from tests.local.releases import CANARY, Releases
from tests.local.waiting import until

WAITING = """
    import time
    def handler(event, context):
        time.sleep(60)
"""


def deploying(cloud, name, kind=Releases, **settings):
    """Deploy two releases, the second one in the background; returns the releases and the thread."""
    releases = kind(cloud, name)
    releases.deploy(1, **settings)

    def update():
        with pytest.raises((BlueprintError, OSError)):
            releases.deploy(2, **settings)

    thread = threading.Thread(target=update, daemon=True)
    thread.start()
    return releases, thread


@pytest.fixture(scope="module")
def cloud():
    running = Cloud(time_scale=3000)
    yield running
    running.stop()


def test_a_reset_ends_deployments_and_their_stacks(cloud):
    shifting, first = deploying(cloud, "shifting", **CANARY)
    waiting, second = deploying(cloud, "waiting", before=WAITING)
    together, third = deploying(cloud, "together", Fleet)
    shifting.until_canary()
    until(waiting.deployments)
    together.until_all_are_canaries()

    cloud.reset()
    for update in (first, second, third):
        update.join(10)
        assert not update.is_alive()

    again = Releases(cloud, "shifting")
    again.deploy(1, **CANARY)
    time.sleep(0.3)  # several checks of a deployment that had not ended
    assert again.alias() == ("1", {})
    assert again.deployments() == []
    assert again.status() == "CREATE_COMPLETE"
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert [each["StackName"] for each in stacks] == ["shifting"]
    assert "Traceback" not in cloud.server_log()


def test_the_end_of_the_process_ends_deployments(cloud):
    releases, update = deploying(cloud, "stopped", **CANARY)
    releases.until_canary()
    process_id, log = cloud.process_id, os.dup(cloud._server._log.fileno())

    began = time.monotonic()
    cloud.stop()

    assert time.monotonic() - began < 10
    update.join(20)
    assert not update.is_alive()
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    said = os.pread(log, os.fstat(log).st_size, 0).decode()
    os.close(log)
    assert "Traceback" not in said
