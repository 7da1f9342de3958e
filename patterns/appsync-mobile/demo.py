"""Two people share notes, live and after they were offline; a back end adds one, and a stranger gets nothing.

blueprints play . --stack NAME
"""

import base64
import hashlib
import json
import os
import secrets
import socket
import ssl
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

PATIENCE = 60  # seconds, a cold start included
NOTE = "id notebookId title body owner audience _version _lastChangedAt _deleted"

CREATE_NOTEBOOK = "mutation($input: CreateNotebookInput!) { createNotebook(input: $input) { id audience } }"
CREATE = f"mutation($input: CreateNoteInput!) {{ createNote(input: $input) {{ {NOTE} _conflicts }} }}"
UPDATE = f"mutation($input: UpdateNoteInput!) {{ updateNote(input: $input) {{ {NOTE} _conflicts }} }}"
DELETE = f"mutation($input: DeleteNoteInput!) {{ deleteNote(input: $input) {{ {NOTE} _conflicts }} }}"
ADD = f"mutation($input: AddSystemNoteInput!) {{ addSystemNote(input: $input) {{ {NOTE} }} }}"
SYNC = (
    "query($lastSync: AWSTimestamp, $nextToken: String) { syncNotes(lastSync: $lastSync, nextToken: $nextToken, "
    f"limit: 50) {{ items {{ {NOTE} }} nextToken startedAt full }} }}"
)
BOARD = "query($id: ID!) { getNotebook(id: $id) { name notes { items { title notebook { name } } } } }"
ON_CREATE = f"subscription($notebookId: ID) {{ onCreateNote(notebookId: $notebookId) {{ {NOTE} }} }}"


class WrongResult(Exception):
    """The API does something else than it should; the message says what."""


def run(stack: Any) -> dict[str, Any]:
    """Play both halves, and return what was asked, delivered and refused, and how conflicts ended."""
    cast = Cast(stack)
    try:
        return Story(stack, cast).play()
    finally:
        cast.leave()


@contextmanager
def page(stack: Any) -> Iterator[dict[str, Any]]:
    """Two users for the page in web/, who share a group; they are removed when the page is closed."""
    cast = Cast(stack)
    try:
        users = [(name, *cast.make_user(name, shares=True)) for name in ("Ann", "Bob")]
        yield {"users": [dict(zip(("name", "username", "password"), each, strict=True)) for each in users]}
    finally:
        cast.leave()


class Story:
    """The demo as a sequence of steps."""

    def __init__(self, stack: Any, cast: "Cast") -> None:
        self._stack, self._cast = stack, cast
        self._book = f"demo-{uuid.uuid4().hex[:8]}"
        self.delivered: list[dict[str, str]] = []
        self.refused: list[dict[str, str]] = []

    def play(self) -> dict[str, Any]:
        """Both halves."""
        with self._stack.step("Sign in Ann and Bob, who share a group, and Eve, who does not"):
            ann, bob, eve = (self._cast.sign_in(name, shares=name != "Eve") for name in ("Ann", "Bob", "Eve"))
        with self._stack.step("Ann shares a notebook and listens; Bob and a back end write, and she sees it live"):
            self._share_live(ann, bob)
        with self._stack.step("Eve, a stranger, is refused"):
            self._refuse(eve, ann)
        phones = self._go_offline(ann, bob)
        conflicts = self._reconnect(*phones)
        with self._stack.step("Both phones show the same notes, and what was deleted stays deleted"):
            converged = self._compare(*phones)
        return {
            "queries": sum(each.queries for each in self._cast.users),
            "mutations": sum(each.mutations for each in self._cast.users),
            "delivered": self.delivered,
            "refused": self.refused,
            "conflicts": conflicts,
            "converged": converged,
        }

    def _share_live(self, ann: "User", bob: "User") -> None:
        ann.ask(CREATE_NOTEBOOK, input={"id": self._book, "name": "Shopping", "group": self._cast.group})
        with ann.listen(ON_CREATE, notebookId=self._book) as live:
            bob.ask(CREATE, input={"id": f"{self._book}-milk", "notebookId": self._book, "title": "Milk"})
            self._note_arrival("Bob", live.next_value()["onCreateNote"], "Milk")
            note = {"id": f"{self._book}-hint", "notebookId": self._book, "group": self._cast.group}
            self._cast.back_end.ask(ADD, input={**note, "title": "Shops close at 8"})
            self._note_arrival("the back end", live.next_value()["onCreateNote"], "Shops close at 8")
        notes = ann.ask(BOARD, id=self._book)["getNotebook"]["notes"]["items"]
        if sorted(each["title"] for each in notes) != ["Milk", "Shops close at 8"]:
            raise WrongResult(f"the notebook has {notes}")

    def _note_arrival(self, writer: str, note: dict[str, Any], title: str) -> None:
        if note["title"] != title:
            raise WrongResult(f"{note['title']!r} was delivered instead of {title!r}")
        self.delivered.append({"from": writer, "to": "Ann", "title": title})

    def _refuse(self, eve: "User", ann: "User") -> None:
        note = f"{self._book}-milk"
        edit = {"id": note, "title": "Mine", "_version": 1}
        self._expect("Eve edits the note", "NotFound", eve.errors(UPDATE, input=edit))
        self._expect("Eve listens to the notebook", "NotFound", eve.refusal_to_listen(ON_CREATE, notebookId=self._book))
        system = {"id": f"{note}-2", "notebookId": self._book, "group": self._cast.group, "title": "Mine"}
        self._expect("Ann acts as the back end", "Unauthorized", ann.errors(ADD, input=system))
        if eve.ask(BOARD, id=self._book)["getNotebook"] is not None:
            raise WrongResult("Eve can read the notebook")
        self.refused.append({"attempt": "Eve reads the notebook", "answer": "null"})
        nobody = User(self._cast, "Nobody", "not-a-token")
        self._expect("somebody with a forged token", "UnauthorizedException", nobody.errors(BOARD, id=self._book))

    def _expect(self, attempt: str, kind: str, errors: list[dict[str, Any]]) -> None:
        kinds = [str(each.get("errorType")) for each in errors]
        if kinds != [kind]:
            raise WrongResult(f"{attempt}: the answer has the errors {errors}, not {kind}")
        self.refused.append({"attempt": attempt, "answer": kind})

    def _go_offline(self, ann: "User", bob: "User") -> tuple["Phone", "Phone"]:
        phones = anns, bobs = Phone(ann, self._book), Phone(bob, self._book)
        with self._stack.step("Ann writes three more notes, and both phones sync"):
            for name in ("Bread", "Plants", "Old"):
                note = {"id": f"{self._book}-{name}", "notebookId": self._book, "title": name, "body": "-"}
                ann.ask(CREATE, input=note)
            for phone in phones:
                phone.pull()
        with self._stack.step("Ann, offline: another title for two notes, and deletes the third"):
            anns.edit("Bread", title="Rye bread")
            anns.edit("Plants", title="Water the plants")
            anns.delete("Old")
        with self._stack.step("Bob, offline: a body for the first, another title for the second and the third"):
            bobs.edit("Bread", body="From the market")
            bobs.edit("Plants", title="Sell the plants")
            bobs.edit("Old", title="Not so old")
        return phones

    def _reconnect(self, anns: "Phone", bobs: "Phone") -> list[dict[str, Any]]:
        with self._stack.step("Ann reconnects, and sends the first edit twice, since its answer is lost"):
            anns.push(lose_first_answer=True)
        with self._stack.step("Bob reconnects: what both changed is a conflict, what one of them changed is merged"):
            bobs.push()
        with self._stack.step("Both phones read what changed meanwhile"):
            for phone in (anns, bobs):
                phone.pull()
        return [*anns.conflicts, *bobs.conflicts]

    def _compare(self, anns: "Phone", bobs: "Phone") -> bool:
        if anns.notes != bobs.notes:
            raise WrongResult(f"the phones differ: {anns.notes} and {bobs.notes}")
        if f"{self._book}-Old" in anns.notes:
            raise WrongResult("the deleted note is back")
        bread = anns.notes[f"{self._book}-Bread"]
        if (bread["title"], bread["body"]) != ("Rye bread", "From the market"):
            raise WrongResult(f"an edit of the bread is lost: {bread}")
        timeline = sorted(anns.notes.values(), key=lambda each: each["_lastChangedAt"])
        (self._stack.folder / "notes.json").write_text(json.dumps(timeline, indent=2) + "\n")
        return True


class Phone:
    """The copy of the notes on a phone, and the mutations that wait for a connection."""

    def __init__(self, user: "User", book: str) -> None:
        self._user, self._book = user, book
        self._last_sync: int | None = None
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self.notes: dict[str, dict[str, Any]] = {}
        self.conflicts: list[dict[str, Any]] = []

    def edit(self, name: str, **fields: Any) -> None:
        """Change a note in the copy; the mutation waits."""
        note = self.notes[f"{self._book}-{name}"]
        self._waiting.append((UPDATE, {"id": note["id"], "_version": note["_version"], **fields}))
        note.update(fields)

    def delete(self, name: str) -> None:
        """Delete a note in the copy; the mutation waits."""
        note = self.notes.pop(f"{self._book}-{name}")
        self._waiting.append((DELETE, {"id": note["id"], "_version": note["_version"]}))

    def push(self, *, lose_first_answer: bool = False) -> None:
        """Send the mutations that wait; with `lose_first_answer`, the first one twice."""
        if lose_first_answer and self._waiting:
            self._send(*self._waiting[0])
        while self._waiting:
            document, sent = self._waiting.pop(0)
            if (again := self._settle(sent, *self._send(document, sent))) is not None:
                self._waiting.insert(0, (document, again))

    def pull(self) -> None:
        """Read what changed since the last time, page by page."""
        token, started, pages = None, None, {}
        while True:
            page = self._user.ask(SYNC, lastSync=self._last_sync, nextToken=token)["syncNotes"]
            pages.update({each["id"]: each for each in page["items"] if each["notebookId"] == self._book})
            started = page["startedAt"] if started is None else started
            if not (token := page["nextToken"]):
                break
        if page["full"]:
            self.notes.clear()
        for note in pages.values():
            if note["_deleted"]:
                self.notes.pop(note["id"], None)
            else:
                self.notes[note["id"]] = note
        self._last_sync = started

    def _send(self, document: str, sent: dict[str, Any]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        answer = self._user.send(document, {"input": sent})
        return next(iter((answer.get("data") or {}).values()), None), answer.get("errors") or []

    def _settle(
        self, sent: dict[str, Any], note: dict[str, Any] | None, errors: list[dict[str, Any]]
    ) -> dict[str, Any] | None:
        """Note a conflict; returns the mutation to send instead, if this phone insists on its edit."""
        if not errors:
            for field in (note or {}).get("_conflicts") or ():
                self._report(sent, field, f"the API kept {note[field]!r}" if note else "")
            return None
        if [each.get("errorType") for each in errors] != ["ConflictUnhandled"]:
            raise WrongResult(f"{sent} was answered with {errors}")
        theirs = errors[0]["data"]
        if theirs["_deleted"]:
            self._report(sent, "title", "the note stays deleted")
            return None
        mine = {name: value for name, value in sent.items() if not name.startswith("_") and name != "id"}
        for field in mine:
            self._report(sent, field, f"sent again over {theirs[field]!r}")
        return {**sent, "_version": theirs["_version"]}

    def _report(self, sent: dict[str, Any], field: str, how: str) -> None:
        name = sent["id"].removeprefix(f"{self._book}-")
        self.conflicts.append({"phone": self._user.name, "note": name, "sent": sent.get(field), "outcome": how})


# --- who takes part, and how they talk to the API ---------------------------------------------------------------------


class Cast:
    """The users of the demo, made for it and removed after it, and the back end."""

    def __init__(self, stack: Any) -> None:
        self.url, self.realtime = stack.outputs["GraphQLUrl"], stack.outputs["RealtimeUrl"]
        self.group = stack.outputs["FirstGroup"]
        self._pool = {"UserPoolId": stack.outputs["UserPoolId"]}
        self._app = stack.outputs["AppClientId"]
        self.http = URLLib3Session(timeout=PATIENCE)
        self._cognito = stack.client("cognito-idp")
        self._names: list[str] = []
        self.users: list[User] = []
        self.back_end = BackEnd(self, stack.client("sts"))
        self.users.append(self.back_end)

    def make_user(self, name: str, *, shares: bool) -> tuple[str, str]:
        """Make a user, in the group if it shares; returns what it signs in with, an address and a password."""
        email, password = f"{name.lower()}-{uuid.uuid4().hex[:8]}@example.com", f"Aa1!{secrets.token_urlsafe(18)}"
        made = self._cognito.admin_create_user(**self._pool, Username=email, MessageAction="SUPPRESS")
        username = made["User"]["Username"]
        self._names.append(username)
        self._cognito.admin_set_user_password(**self._pool, Username=username, Password=password, Permanent=True)
        if shares:
            self._cognito.admin_add_user_to_group(**self._pool, Username=username, GroupName=self.group)
        return email, password

    def sign_in(self, name: str, *, shares: bool) -> "User":
        """Make a user, and sign it in."""
        email, password = self.make_user(name, shares=shares)
        answer = self._cognito.admin_initiate_auth(
            **self._pool,
            ClientId=self._app,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        self.users.append(User(self, name, answer["AuthenticationResult"]["AccessToken"]))
        return self.users[-1]

    def leave(self) -> None:
        """Remove the users; their notes stay, as a group's notes do."""
        for name in self._names:
            self._cognito.admin_delete_user(**self._pool, Username=name)


class User:
    """Sends requests with an access token."""

    def __init__(self, cast: Cast, name: str, token: str) -> None:
        self._cast, self.name, self._token = cast, name, token
        self.queries = self.mutations = 0

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer. Raises WrongResult if it has errors."""
        answer = self.send(document, variables)
        if answer.get("errors"):
            raise WrongResult(f"{self.name} sent {document[:60]}… and got {json.dumps(answer['errors'])[:500]}")
        return dict(answer["data"])

    def errors(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """The errors of an answer."""
        return list(self.send(document, variables).get("errors") or [])

    def send(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Post an operation; returns the answer, also one with status 400 or 401."""
        if document.startswith("mutation"):
            self.mutations += 1
        else:
            self.queries += 1
        body = json.dumps({"query": document, "variables": variables}).encode()
        headers = {"content-type": "application/json"}
        request = AWSRequest("POST", self._cast.url, data=body, headers=headers)
        self._authorize(request)
        return dict(json.loads(self._cast.http.send(request.prepare()).text))

    def listen(self, document: str, **variables: Any) -> "Subscription":
        """Subscribe; the subscription has begun when this returns. Raises WrongResult if it is refused."""
        live = self._subscribe(document, variables)
        if live.refusal:
            live.close()
            raise WrongResult(f"{self.name} could not subscribe: {live.refusal}")
        return live

    def refusal_to_listen(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        """The errors that a subscription is refused with; none if it is not."""
        with self._subscribe(document, variables) as live:
            return live.refusal

    def _subscribe(self, document: str, variables: dict[str, Any]) -> "Subscription":
        host = urlsplit(self._cast.url).netloc
        authorization = {"host": host, "Authorization": self._token}
        return Subscription(self._cast.realtime, authorization, document, variables)

    def _authorize(self, request: AWSRequest) -> None:
        request.headers["Authorization"] = self._token


class BackEnd(User):
    """Sends requests signed with AWS credentials: those that the demo has."""

    def __init__(self, cast: Cast, sts: Any) -> None:
        super().__init__(cast, "the back end", "")
        self._sts = sts

    def _authorize(self, request: AWSRequest) -> None:
        # boto3 has no client for GraphQL requests, and no public way to the credentials of a client.
        signer = self._sts._request_signer  # noqa: SLF001
        signer.sign("GraphQL", request, region_name=self._sts.meta.region_name, signing_name="appsync")


class Subscription:
    """A subscription over a WebSocket of its own, as AppSync speaks it."""

    def __init__(self, url: str, authorization: dict[str, str], document: str, variables: dict[str, Any]) -> None:
        header = quote(base64.b64encode(json.dumps(authorization).encode()), safe="")
        self._socket = WebSocket(f"{url}?header={header}&payload=e30%3D", "graphql-ws")
        self.refusal: list[dict[str, Any]] = []
        self._socket.send({"type": "connection_init"})
        self._wait_for("connection_ack")
        data = json.dumps({"query": document, "variables": variables})
        extensions = {"authorization": authorization}
        payload = {"data": data, "extensions": extensions}
        self._socket.send({"id": "demo", "type": "start", "payload": payload})
        answer = self._wait_for("start_ack", "error")
        if answer["type"] == "error":
            self.refusal = answer["payload"]["errors"]

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next_value(self) -> dict[str, Any]:
        """The data of the next message."""
        return dict(self._wait_for("data")["payload"]["data"])

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _wait_for(self, *kinds: str) -> dict[str, Any]:
        for message in self._socket.messages():
            if message["type"] in kinds:
                return message
            if message["type"] in ("connection_error", "error"):
                raise WrongResult(f"the WebSocket was answered with {message}")
        raise WrongResult(f"the WebSocket ended before {' or '.join(kinds)}")


class WebSocket:
    """As much of RFC 6455 as a demo needs: text messages, sent in one frame each."""

    _TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10

    def __init__(self, url: str, protocol: str) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        self._socket = socket.create_connection((parts.hostname or "", parts.port or (443 if secure else 80)), PATIENCE)
        if secure:
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=parts.hostname)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {parts.path}?{parts.query} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {protocol}",
        )
        self._socket.sendall("\r\n".join((*lines, "", "")).encode())
        answer = [line.decode().strip() for line in iter(self._file.readline, b"\r\n")]
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
        accept = base64.b64encode(digest).decode()
        if not answer or " 101 " not in f"{answer[0]} " or not any(line.endswith(accept) for line in answer):
            raise WrongResult(f"{url} is no WebSocket: {answer[:1]}")

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._send_frame(self._TEXT, json.dumps(message).encode())

    def messages(self) -> Iterator[dict[str, Any]]:
        """The messages as they come, until the other side closes. Raises TimeoutError if none comes in time."""
        text = b""
        while True:
            first, length = self._read(2)
            length &= 127
            if length > 125:
                length = int.from_bytes(self._read(2 if length == 126 else 8), "big")
            payload, kind = self._read(length), first & 15
            if kind == self._CLOSE:
                return
            if kind == self._PING:
                self._send_frame(self._PONG, payload)
            elif kind in (0, self._TEXT):
                text += payload
                if first & 128:
                    yield json.loads(text)
                    text = b""

    def close(self) -> None:
        """Say so, and close the connection."""
        with suppress(OSError):
            self._send_frame(self._CLOSE, struct.pack("!H", 1000))
        self._file.close()
        self._socket.close()

    def _send_frame(self, kind: int, payload: bytes) -> None:
        mask, size = os.urandom(4), len(payload)
        if size < 126:
            length = bytes([128 | size])
        elif size < 65_536:
            length = bytes([254]) + size.to_bytes(2, "big")
        else:
            length = bytes([255]) + size.to_bytes(8, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._socket.sendall(bytes([128 | kind]) + length + mask + masked)

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise WrongResult("the WebSocket was cut")
        return data
