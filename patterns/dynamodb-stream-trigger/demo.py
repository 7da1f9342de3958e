"""Places, changes and deletes orders in the table; compares PostgreSQL and the announcements with them.

If the stack's webhook has an address of this machine, the demo receives the announcements there. It does not check
announcements to another machine.

    blueprints play . --stack NAME
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ORDERS = 200
PAID_EVERY, CANCELLED_EVERY = 3, 8
PATIENCE = 180  # seconds, including a cold start and a cluster that resumes
# DynamoDB deletes expired items within a few days; the demo waits this long.
PATIENCE_FOR_EXPIRY = 20


class WrongResult(Exception):
    """PostgreSQL or the announcements do not agree with the changes of the table."""


def run(stack: Any) -> dict[str, Any]:
    """Change the table, then count rows and announcements. Raises WrongResult if any is missing or wrong."""
    outputs, story = stack.outputs, Story(stack.client("dynamodb"), stack.outputs["TableName"])
    heard = Announcements(stack, story)
    with heard.listening():
        with stack.step(f"Place, pay and cancel {ORDERS} orders in {outputs['TableName']}"):
            story.play()
        replica = Replica(stack.client("rds-data"), outputs, story)
        if replica.exists:
            with stack.step("Find the orders in PostgreSQL"):
                replica.wait()
        with stack.step(f"Receive {story.changes} announcements from {heard.source}"):
            heard.wait(story.changes)
        with stack.step("Wait for the order that expires"):
            heard.wait_for_expiry()
    states = replica.states()
    return {
        "changes": story.changes + heard.expired,
        "rows": states.get("present", 0),
        "tombstones": states.get("deleted", 0) + states.get("expired", 0),
        "announced": len(heard.ids),
        "rejected": states.get("rejected", 0),
        "expired": heard.expired,
        "total": str(replica.total()) if replica.exists else None,
        "files": replica.download(stack.folder),
    }


class Story:
    """Changes the table: places, pays and cancels orders; one expires, and one cannot be stored in PostgreSQL."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table
        self.prefix = f"demo/{uuid.uuid4().hex[:12]}/"
        self.changes = 0
        self.orders = {number: Decimal(number * 1999 % 50_000) / 100 for number in range(1, ORDERS + 1)}
        self.cancelled = set(range(CANCELLED_EVERY, ORDERS + 1, CANCELLED_EVERY))

    @property
    def total(self) -> Decimal:
        """The value of the orders that were not cancelled."""
        return sum((value for number, value in self.orders.items() if number not in self.cancelled), Decimal(0))

    def play(self) -> None:
        """Make the changes, those of one order one after the other."""
        for number, value in self.orders.items():
            self._put(number, total={"N": str(value)}, status={"S": "placed"})
        for number in range(PAID_EVERY, ORDERS + 1, PAID_EVERY):
            self._put(number, total={"N": str(self.orders[number])}, status={"S": "paid"})
        for number in self.cancelled:
            self._dynamodb.delete_item(TableName=self._table, Key=self._key(number))
            self.changes += 1
        self._put(ORDERS + 1, total={"N": "0"}, expires_at={"N": str(int(time.time()) - 60)})
        # DynamoDB accepts U+0000, PostgreSQL's jsonb does not.
        self._put(ORDERS + 2, note={"S": "before\0after"})

    def _put(self, number: int, **attributes: Any) -> None:
        self._dynamodb.put_item(TableName=self._table, Item={**self._key(number), **attributes})
        self.changes += 1

    def _key(self, number: int) -> dict[str, Any]:
        return {"pk": {"S": f"{self.prefix}customer-{number % 17:02}"}, "sk": {"S": f"order-{number:05}"}}


class Replica:
    """The replica in PostgreSQL, if the stack has one."""

    def __init__(self, client: Any, outputs: dict[str, str], story: Story) -> None:
        self._client, self._outputs, self._story = client, outputs, story
        self.exists = "DatabaseClusterArn" in outputs

    def wait(self) -> None:
        """Wait until the rows agree with the table."""
        gone = len(self._story.cancelled)
        deadline = time.monotonic() + PATIENCE
        while True:
            states = self.states()
            settled = states.get("deleted", 0) == gone and states.get("rejected", 0) == 1
            if settled and sum(states.values()) == ORDERS + 2 and self.total() == self._story.total:
                return
            if time.monotonic() > deadline:
                raise WrongResult(f"PostgreSQL has {states or 'no rows'} after {PATIENCE} s; {advice(self._outputs)}")
            time.sleep(0.3)

    def states(self) -> dict[str, int]:
        """The number of the demo's rows in each state."""
        return {state: int(count) for state, count in self._rows("SELECT state, count(*) {} GROUP BY state")}

    def total(self) -> Decimal:
        """The value of the orders that were not cancelled, added up by PostgreSQL."""
        ((total,),) = self._rows("SELECT coalesce(sum((item->>'total')::numeric), 0)::text {}") or ((0,),)
        return Decimal(total)

    def download(self, folder: Path) -> list[str]:
        """Write the first rows to a file; return its path."""
        if not self.exists:
            return []
        file = folder / "rows.ndjson"
        rows = self._rows("SELECT key::text, state, item::text {} ORDER BY key LIMIT 20")
        lines = [
            {"key": json.loads(key), "state": state, "item": json.loads(item or "null")} for key, state, item in rows
        ]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return [str(file.resolve())]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, in which {} stands for the demo's rows; none if the table does not exist yet."""
        if not self.exists:
            return []
        place = f"FROM {self._outputs['DatabaseSchema']}.items WHERE key->>'pk' LIKE :prefix"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.execute_statement(
                    resourceArn=self._outputs["DatabaseClusterArn"],
                    secretArn=self._outputs["SecretArn"],
                    database=self._outputs["DatabaseName"],
                    sql=query.format(place),
                    parameters=[{"name": "prefix", "value": {"stringValue": f"{self._story.prefix}%"}}],
                )
            except self._client.exceptions.ClientError as error:
                if "42P01" in str(error):
                    return []
                # The cluster was paused; the refused call resumes it.
                if "DatabaseResuming" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return [
                    tuple(None if "isNull" in value else next(iter(value.values())) for value in record)
                    for record in answer["records"]
                ]


class Announcements:
    """The announcements of the demo's changes, from the queue or the webhook."""

    def __init__(self, stack: Any, story: Story) -> None:
        self._stack, self._story = stack, story
        self._lock = threading.Lock()
        self.ids: set[str] = set()
        self.expired = 0
        self._queue = stack.outputs.get("AnnouncementsUrl")
        self._url = urlsplit(stack.outputs.get("WebhookUrl", ""))
        self.source = self._queue or stack.outputs["WebhookUrl"]

    @property
    def _is_here(self) -> bool:
        return self._url.hostname in ("127.0.0.1", "localhost")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Receive webhooks, if they come to this machine."""
        if not self._is_here:
            yield
            return
        secret = self._stack.client("secretsmanager").get_secret_value(
            SecretId=self._stack.outputs["WebhookSecretArn"]
        )["SecretString"]
        server = ThreadingHTTPServer(("127.0.0.1", self._url.port or 80), receiver(self, secret))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()

    def wait(self, count: int) -> None:
        """Wait until `count` changes were announced."""
        deadline = time.monotonic() + PATIENCE
        while len(self.ids) < count:
            if not self._queue and not self._is_here:
                return  # the webhook of another machine: the function's metrics count what was sent
            if time.monotonic() > deadline:
                found = f"{len(self.ids)} of {count} changes were announced after {PATIENCE} s"
                raise WrongResult(f"{found}; {advice(self._stack.outputs)}")
            self._receive()

    def wait_for_expiry(self) -> None:
        """Wait until the expired item was announced, but not longer than PATIENCE_FOR_EXPIRY."""
        deadline = time.monotonic() + PATIENCE_FOR_EXPIRY
        while not self.expired and time.monotonic() < deadline:
            self._receive()

    def hear(self, message: dict[str, Any], message_id: str) -> None:
        """Count one announcement, if it is of the demo's changes."""
        if message["data"]["keys"]["pk"].startswith(self._story.prefix):
            with self._lock:
                self.ids.add(message_id)
                self.expired += message["type"] == "item.expired"

    def _receive(self) -> None:
        if not self._queue:
            time.sleep(0.1)
            return
        sqs = self._stack.client("sqs")
        answer = sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            self.hear(detail, detail["id"])
            sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])


def receiver(heard: Announcements, secret: str) -> type[BaseHTTPRequestHandler]:
    """A receiver that verifies signatures according to Standard Webhooks before it reads a message."""
    key = base64.b64decode(secret.removeprefix("whsec_"))

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
            expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
            fresh = abs(time.time() - int(self.headers["webhook-timestamp"])) < 300
            if not fresh or not hmac.compare_digest(expected, self.headers["webhook-signature"]):
                self.answer(401)
                return
            heard.hear(json.loads(body), self.headers["webhook-id"])
            self.answer(204)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Receiver


def advice(outputs: dict[str, str]) -> str:
    """Where to look for the cause."""
    return f"see the logs ({outputs['LogGroup']}) and the failures ({outputs['FailuresBucket']})"
