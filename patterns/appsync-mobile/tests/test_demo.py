"""The phones of the demo, with the real function behind the API: under each strategy they end with the same notes."""

import base64
import hashlib
import json
import re
import socket
import threading
from contextlib import nullcontext, suppress
from types import SimpleNamespace

import pytest


class Through:
    """A user of the demo whose operations the function resolves at once."""

    def __init__(self, user, name):
        self._user, self.name = user, name

    def ask(self, document, **variables):
        answer = self.send(document, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def send(self, document, variables):
        kind, field = re.match(r"(query|mutation).*?{ (\w+)\(", document).groups()
        answer = self._user.try_to(f"{kind.title()}.{field}", **variables)
        if error := answer.get("error"):
            return {"data": {field: None}, "errors": [{"errorType": error["type"], "data": error["data"]}]}
        return {"data": {field: answer["value"]}}


@pytest.fixture
def story(demo, tmp_path):
    stack = SimpleNamespace(folder=tmp_path, step=lambda _: nullcontext())
    return demo.Story(stack, SimpleNamespace(group="family"))


@pytest.fixture
def phones(story, monkeypatch, load, context, request):
    from conftest import User

    monkeypatch.setenv("CONFLICT_STRATEGY", request.param)
    module = load("ResolveFields")
    people = [Through(User(module, context, {"sub": name, "groups": ["family"]}), name) for name in ("Ann", "Bob")]
    notebook = {"id": story._book, "name": "Shopping", "group": "family"}
    people[0]._user.ask("Mutation.createNotebook", input=notebook)
    return story._go_offline(*people)


OUTCOMES = {
    "automerge": {("Bob", "Plants"): "the API kept 'Water the plants'", ("Bob", "Old"): "the note stays deleted"},
    "custom": {("Bob", "Plants"): "the API kept 'Water the plants'", ("Bob", "Old"): "the note stays deleted"},
    "optimistic": {
        ("Bob", "Bread"): "sent again over '-'",
        ("Bob", "Plants"): "sent again over 'Water the plants'",
        ("Bob", "Old"): "the note stays deleted",
    },
}


@pytest.mark.parametrize("phones", OUTCOMES, indirect=True)
def test_two_phones_end_with_the_same_notes_under_each_strategy(phones, story, request, tmp_path):
    conflicts = story._reconnect(*phones)
    assert story._compare(*phones) is True
    expected = OUTCOMES[request.node.callspec.params["phones"]]
    assert {(each["phone"], each["note"]): each["outcome"] for each in conflicts} == expected
    assert (tmp_path / "notes.json").is_file()


@pytest.mark.parametrize("phones", ["automerge"], indirect=True)
def test_phones_that_differ_are_a_wrong_result(phones, story, demo):
    story._reconnect(*phones)
    phones[0].notes.popitem()
    with pytest.raises(demo.WrongResult, match="the phones differ"):
        story._compare(*phones)


@pytest.mark.parametrize("phones", ["automerge"], indirect=True)
def test_a_note_that_comes_back_is_a_wrong_result(phones, story, demo):
    story._reconnect(*phones)
    for phone in phones:
        phone.notes[f"{story._book}-Old"] = {}
    with pytest.raises(demo.WrongResult, match="the deleted note is back"):
        story._compare(*phones)


def test_an_answer_that_was_not_expected_is_a_wrong_result(story, demo):
    with pytest.raises(demo.WrongResult, match="not NotFound"):
        story._expect("Eve edits", "NotFound", [])


class Server:
    """The other side of a WebSocket: answers the handshake and sends bytes; `received` has what came afterwards."""

    def __init__(self, monkeypatch, demo, frames, accept=None):
        own, self.theirs = socket.socketpair()
        monkeypatch.setattr(demo, "socket", SimpleNamespace(create_connection=lambda address, timeout: own))
        self._frames, self._accept, self.received = frames, accept, b""
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.theirs.recv(4096)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)[1].decode()
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        accept = self._accept or base64.b64encode(digest).decode()
        self.theirs.sendall(f"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        with suppress(OSError):  # the client may be gone
            self.theirs.sendall(self._frames)
            self.theirs.settimeout(5)
            while data := self.theirs.recv(65_536):
                self.received += data


def frame(kind, payload, last=True):
    size = len(payload)
    length = bytes([min(size, 125)])
    if size > 125:
        length = bytes([126]) + size.to_bytes(2, "big") if size < 65_536 else bytes([127]) + size.to_bytes(8, "big")
    return bytes([kind | (128 if last else 0)]) + length + payload


def unmasked(data):
    size, at = data[1] & 127, 2
    if size > 125:
        width = 2 if size == 126 else 8
        size, at = int.from_bytes(data[at : at + width], "big"), at + width
    mask, payload = data[at : at + 4], data[at + 4 : at + 4 + size]
    return data[0] & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)), data[at + 4 + size :]


def test_the_web_socket_reads_frames_of_all_kinds(demo, monkeypatch):
    texts = ["x", "x" * 200, "x" * 70_000]
    frames = b"".join(frame(1, json.dumps(text).encode()) for text in texts)
    frames += frame(9, b"ping") + frame(1, b'"in ', last=False) + frame(9, b"") + frame(0, b'two"') + frame(8, b"")
    server = Server(monkeypatch, demo, frames)
    web_socket = demo.WebSocket("ws://localhost:1/x?y", "graphql-ws")
    assert list(web_socket.messages()) == [*texts, "in two"]
    sent = ["y", "y" * 200, "y" * 70_000]
    for text in sent:
        web_socket.send(text)
    web_socket.close()
    server.thread.join(5)
    kinds, rest = [], server.received
    while rest:
        kind, payload, rest = unmasked(rest)
        kinds.append((kind, json.loads(payload) if kind == 1 else payload))
    assert kinds == [(10, b"ping"), (10, b""), *((1, text) for text in sent), (8, b"\x03\xe8")]


def test_an_endpoint_that_is_no_web_socket_is_a_wrong_result(demo, monkeypatch):
    Server(monkeypatch, demo, b"", accept="wrong")
    with pytest.raises(demo.WrongResult, match="is no WebSocket"):
        demo.WebSocket("ws://localhost:1/x?y", "graphql-ws")


def test_a_web_socket_that_is_cut_is_a_wrong_result(demo, monkeypatch):
    server = Server(monkeypatch, demo, frame(1, b"{}")[:2])
    web_socket = demo.WebSocket("ws://localhost:1/x?y", "graphql-ws")
    server.theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(demo.WrongResult, match="was cut"):
        next(web_socket.messages())
