"""The start reports errors; a stop of any kind leaves no process, port or folder."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from tests.local.processes import alive, descendants
from tests.local.waiting import until

# Starts an embedded AWS with a busy function, says where, and waits.
STORY = """
import json, sys, threading
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from tests.local.resources import ROLE, function_resource

source = '''
import subprocess, sys, time
def handler(event, context):
    for apart in (False, True):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=apart)
    time.sleep(600)
'''
with Cloud() as cloud:
    template = {"Resources": {"Role": ROLE, "F": function_resource(source, Timeout=600)}}
    stack = deploy(cloud, "busy", json.dumps(template))
    (function,) = stack.of_type("AWS::Lambda::Function")
    cloud.client("lambda").invoke(FunctionName=function.physical_id, InvocationType="Event")
    print(json.dumps({"port": cloud.port}), flush=True)
    threading.Event().wait()
"""


def port_is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def folders(temporary):
    return list(Path(temporary).glob("blueprints-*"))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def test_nothing_stays_however_the_parent_ends(tmp_path, ending):
    parent = subprocess.Popen(
        [sys.executable, "-c", STORY],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    port = json.loads(parent.stdout.readline())["port"]
    # The server, the function's runtime, and the processes the function started, one in a session of its own.
    started = until(lambda: (found := descendants(parent.pid)) and len(found) >= 4 and found)
    assert folders(tmp_path)

    parent.send_signal(ending)
    parent.wait(15)
    parent.stdout.close()

    until(lambda: not alive(started))
    until(lambda: port_is_free(port))
    until(lambda: not folders(tmp_path))


def test_leaving_the_context_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    others = descendants(os.getpid())
    with Cloud() as cloud:
        started = [each for each in descendants(os.getpid()) if each not in others]
        port = cloud.port
    cloud.stop()

    assert started

    assert not alive(started)
    assert port_is_free(port)
    assert folders(tmp_path) == []


def test_a_port_in_use_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(BlueprintError, match=re.escape(f"port {port} on 127.0.0.1 can't be used")):
            Cloud(port=port)

    assert folders(tmp_path) == []


def test_it_listens_on_loopback_only():
    others = descendants(os.getpid())
    with Cloud() as cloud:
        (server,) = [each for each in descendants(os.getpid()) if each not in others]
        listening = {each.laddr.ip for each in server.net_connections() if each.status == psutil.CONN_LISTEN}

        assert listening == {"127.0.0.1"}
        assert cloud.port in {each.laddr.port for each in server.net_connections()}


def test_reset_empties_the_account():
    with Cloud() as cloud:
        cloud.client("s3").create_bucket(Bucket="some-bucket")

        cloud.reset()

        assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_the_users_own_aws_settings_do_not_leak_in(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with Cloud() as cloud:
        assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_idle_environments_end(tmp_path):
    from blueprints.local.services.lambda_.environment_pool import EnvironmentPool
    from blueprints.local.services.lambda_.execution_environment import Launch

    runtime = tmp_path / "package"
    (runtime / "awslambdaric").mkdir(parents=True)
    source = "import os, time, urllib.request as r\nr.urlopen('http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '{}')"
    (runtime / "awslambdaric" / "__main__.py").write_text(source.format("/2018-06-01/runtime/invocation/next"))
    launch = Launch(Path(sys.executable), (runtime,), "x.y", {}, ("group", "stream"), 512, 10.0)
    pool = EnvironmentPool(tmp_path / "environments", idle_seconds=0.2)

    environment = pool.acquire("key", lambda: launch)
    pool.release("key", environment)

    begun = time.monotonic()
    until(lambda: not environment.alive)
    assert time.monotonic() - begun < 5
    until(lambda: not list((tmp_path / "environments").iterdir()))
