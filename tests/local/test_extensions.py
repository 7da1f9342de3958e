"""A service is a folder: a toy service beside the real ones is verified, installed, reset and closed."""

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
import types
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Request, TextMessage

from blueprints.errors import BlueprintError
from blueprints.local import services
from blueprints.local.base.extension import EmbeddedAws, Extension, Installable, find_extensions, install_all
from blueprints.local.base.http import ClientGone, read_body
from blueprints.local.cloud import Cloud
from tests.local.waiting import until

TOY = '''
"""A toy service: a box of marbles."""

from pathlib import Path

from blueprints.local.base.extension import Extension, Route
from blueprints.local.base.http import json_route, send_response
from blueprints.local.base.internals import Internal
from blueprints.local.base.delivery import under_way
from blueprints.local.services.toy.marbles import Marbles

TABLES = Internal("services.dynamodb", "_tables")


class Toy(Extension):
    after = ("eventbridge",)

    def install(self, aws):
        self.marbles = Marbles()
        self.ends = aws.folder.parent / "toy-closed"
        self.clock = aws.clock

    def resource_types(self):
        return {"Toy::Box::Marble": {
            "create": lambda logical_id, props, stack_name: (self.marbles.put(props["Colour"]), {}),
            "update": lambda physical_id, old, new, stack_name: (self.marbles.put(new["Colour"]), {}),
            "delete": lambda physical_id, props: self.marbles.remove(physical_id),
        }}

    def event_targets(self):
        def roll(target, event, rule):
            assert under_way.get().target_service == "toy"
            self.clock.after(60, lambda: self.marbles.put(event["detail"]["colour"]))
        return {"toy": roll}

    def iam_resources(self):
        return {"toy": lambda request, query: f"box/{request.get('box')}"}

    def routes(self):
        return [json_route("/toy", lambda query, body: self.marbles.colours), Route(is_socket, talk, "websocket")]

    def notes(self):
        return ["Marbles are made of glass here."]

    def reset(self):
        if "sticky" in self.marbles.colours:
            self.marbles.remove("sticky")
            raise RuntimeError("a marble sticks")
        self.marbles.clear()

    def close(self):
        Path(self.ends).write_text("closed")


def is_socket(scope):
    return scope["path"] == "/toy"


async def talk(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"].upper()})


EXTENSION = Toy()
'''

MARBLES = '''
"""The marbles."""

from blueprints.local.base.internals import Internal

QUEUES = Internal("services.sqs", "_queues"{parameters})


class Marbles:
    def __init__(self):
        self.colours = []

    def put(self, colour):
        self.colours.append(colour)
        return colour

    def remove(self, colour):
        self.colours.remove(colour)

    def clear(self):
        self.colours.clear()
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tools' sources with one more folder, and nothing else changed."""
    top = tmp_path_factory.mktemp("project")
    shutil.copytree(
        Path(services.__file__).parents[2], top / "blueprints", ignore=shutil.ignore_patterns("__pycache__")
    )
    toy = top / "blueprints" / "local" / "services" / "toy"
    toy.mkdir()
    (toy / "__init__.py").write_text(TOY)
    (toy / "marbles.py").write_text(MARBLES.format(parameters=""))
    return top


def started(project: Path) -> Cloud:
    """An embedded AWS that runs from the project's sources."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blueprints.local.server_process.SOURCES", project)
        return Cloud(time_scale=600)


@pytest.fixture(scope="module")
def cloud(project: Path) -> Iterator[Cloud]:
    with started(project) as running:
        yield running


def colours(cloud: Cloud) -> list[str]:
    with urllib.request.urlopen(f"{cloud.endpoint}/toy") as answer:
        return json.load(answer)


def deploy(cloud: Cloud, stack: str, colour: str) -> None:
    client = cloud.client("cloudformation")
    resources = {"One": {"Type": "Toy::Box::Marble", "Properties": {"Colour": colour}}}
    client.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})


def test_a_folder_is_installed_with_its_resource_type_and_its_route(cloud):
    deploy(cloud, "red", "red")

    assert "red" in colours(cloud)
    assert cloud.notes[-1] == "Marbles are made of glass here."


def test_its_event_target_is_called_and_its_waits_pass_by_the_clock(cloud):
    events = cloud.client("events")
    events.put_rule(Name="roll", EventPattern='{"source": ["tests"]}')
    events.put_targets(Rule="roll", Targets=[{"Id": "box", "Arn": "arn:aws:toy:us-east-1:000000000000:box/1"}])

    events.put_events(Entries=[{"Source": "tests", "DetailType": "Rolled", "Detail": '{"colour": "blue"}'}])

    deadline = time.monotonic() + 10
    while "blue" not in colours(cloud):
        assert time.monotonic() < deadline, cloud.server_log()
        time.sleep(0.02)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
def test_its_websocket_route_answers_on_both_ports(cloud, encrypted):
    port = int((cloud.tls_endpoint if encrypted else cloud.endpoint).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        if not encrypted:
            assert conversation(plain, "hello") == "HELLO"
            return
        trusting = ssl.create_default_context(cafile=str(cloud.certificate_authority))
        with trusting.wrap_socket(plain, server_hostname="localhost") as connection:
            assert conversation(connection, "hello") == "HELLO"


def conversation(connection: socket.socket, text: str) -> str:
    """What the service answers to a text over a WebSocket."""
    protocol = WSConnection(ConnectionType.CLIENT)
    connection.sendall(protocol.send(Request(host="localhost", target="/toy")))
    while True:
        protocol.receive_data(connection.recv(65536))
        for event in protocol.events():
            if isinstance(event, AcceptConnection):
                connection.sendall(protocol.send(Message(data=text)))
            elif isinstance(event, TextMessage):
                connection.sendall(protocol.send(CloseConnection(code=1000)))
                return event.data


def test_the_aws_apis_answer_over_tls(cloud):
    trusting = ssl.create_default_context(cafile=str(cloud.certificate_authority))
    with urllib.request.urlopen(f"{cloud.tls_endpoint}/_ministack/health", context=trusting) as answer:
        assert answer.status == 200

    with pytest.raises(OSError, match="certificate"):
        urllib.request.urlopen(f"{cloud.tls_endpoint}/_ministack/health")


def test_the_key_of_the_certificate_is_readable_by_its_owner_alone(cloud):
    key = cloud.certificate_authority.with_name("certificate.pem")

    assert key.stat().st_mode & 0o777 == 0o600


def test_without_a_certificate_the_plain_port_goes_on(project):
    with started(project) as cloud:
        shutil.rmtree(cloud._server.folder)  # as a program that cleans up temporary files does
        socket.create_connection(("127.0.0.1", int(cloud.tls_endpoint.rpartition(":")[2]))).close()

        until(lambda: "its certificate cannot be made" in cloud.server_log())

        assert colours(cloud) == []
        with pytest.raises(BlueprintError, match="TLS is closed"):
            until(lambda: cloud.certificate_authority)


def test_reset_empties_it_and_cancels_scheduled_work(cloud):
    deploy(cloud, "green", "green")

    cloud.reset()

    assert colours(cloud) == []


def test_a_reset_that_fails_is_reported_and_everything_else_is_emptied(cloud):
    deploy(cloud, "sticky", "sticky")

    with pytest.raises(BlueprintError, match=r"Not emptied: toy(.|\n)*a marble sticks"):
        cloud.reset()

    assert cloud.client("cloudformation").describe_stacks()["Stacks"] == []
    cloud.reset()


def test_it_is_closed_when_the_process_ends(project):
    running = started(project)
    folder = running._server.folder
    running.stop()

    closed = folder.parent / "toy-closed"
    assert closed.read_text() == "closed"
    closed.unlink()
    assert not folder.exists()


def test_its_internals_are_verified_in_every_module(project):
    marbles = project / "blueprints" / "local" / "services" / "toy" / "marbles.py"
    marbles.write_text(MARBLES.format(parameters=', ("gone",)'))
    try:
        with pytest.raises(BlueprintError, match=r"_queues is no function any more") as refused:
            started(project)
        assert "ministack that pyproject.toml names" in str(refused.value)
    finally:
        marbles.write_text(MARBLES.format(parameters=""))


def test_a_request_is_authorised_on_the_resource_that_the_extension_names():
    extensions = {each.name: each.extension for each in find_extensions(services)}

    assert extensions["codebuild"].iam_resources()["codebuild"]({"ids": ["web:1"]}, {}) == "project/web"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"has no EXTENSION"),
        ("EXTENSION = Extension()\nEXTENSION.after = ('sqss',)", r"first is to come after sqss: no such folder"),
        ("EXTENSION = Extension()\nEXTENSION.after = ('first',)", r"wait for each other: first"),
    ],
)
def test_a_folder_that_cannot_be_installed_is_refused_by_name(text, complaint, tmp_path, monkeypatch):
    name = f"services_{tmp_path.name}"
    folder = tmp_path / name / "first"
    folder.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (folder / "__init__.py").write_text(f"from {Extension.__module__} import Extension\n{text}\n")
    monkeypatch.syspath_prepend(tmp_path)
    package = __import__(name)

    with pytest.raises(LookupError, match=complaint):
        find_extensions(package)


def test_two_extensions_with_the_same_resource_type_are_refused():
    class Offers(Extension):
        def resource_types(self):
            return {"Toy::Box::Marble": {}}

    aws = EmbeddedAws(Path(), "http://127.0.0.1", clock=types.SimpleNamespace())

    with pytest.raises(LookupError, match="first and second both have the resource type Toy::Box::Marble"):
        install_all([Installable(name, Offers(), ()) for name in ("first", "second")], aws, {})


def test_a_request_that_ends_too_early_is_not_read():
    arrives = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(arrives)

    with pytest.raises(ClientGone):
        asyncio.run(read_body(receive))


def test_a_missing_part_of_an_extension_names_what_to_write():
    aws = EmbeddedAws(Path(), "http://127.0.0.1", clock=types.SimpleNamespace())

    with pytest.raises(LookupError, match="offers Path; name its service in `after`"):
        aws.part(Path)


def test_services_are_found_without_the_optional_libraries():
    code = """
import sys
sys.modules.update(dict.fromkeys(("duckdb", "pyarrow", "pyiceberg", "pyspark", "sqlglot")))  # importing them fails
from blueprints.local import services
from blueprints.local.base.extension import find_extensions
print(sorted(each.name for each in find_extensions(services)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "athena" in found.stdout
