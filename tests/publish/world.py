"""A repository and a bucket in this process, behind the real clients. Tests can watch requests and make them fail."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from blueprints.local.base.protocol import Request, ServiceError
from blueprints.local.services.serverlessrepo.artifacts import may_read
from blueprints.local.services.serverlessrepo.repository import EmbeddedRepository
from blueprints.local.services.serverlessrepo.store import Store
from blueprints.progress import Progress
from blueprints.publish.bucket import Bucket
from blueprints.publish.destinations import Destination
from blueprints.publish.publishing import Options, Outcome, publish
from blueprints.publish.repository import Repository
from blueprints.publish.sharing import parse_sharing
from blueprints.stacks.calls import RETRYING

ACCOUNT = "123456789012"
BUCKET = "artifacts"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "serverlessrepo.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    ],
}


_worlds: list["World"] = []
"""The world that answers the clients' requests."""


class Killed(BaseException):
    """The publisher's process was killed."""


class World:
    """Applications and objects. `before` and `after` are called with each request's number and name."""

    def __init__(self, folder: Path):
        self.embedded = EmbeddedRepository(Store(folder), self, "us-east-1")
        self.objects: dict[str, bytes] = {}
        self.policy = POLICY
        self.requests: list[str] = []
        self.downloads: list[str] = []
        self.before: Callable[[int, str], AWSResponse | None] = lambda number, name: None
        self.after: Callable[[int, str], AWSResponse | None] = lambda number, name: None

    def destination(self, packages, *, local=False) -> Destination:
        """A publisher's way here. From now on, this process's clients send their requests to this world."""
        _worlds[:] = [self]
        bucket = Bucket(_client("s3"), BUCKET)
        repository = Repository(_client("serverlessrepo"), self._fetch)
        return Destination(repository, lambda: bucket, local=local, packages=packages)

    def calm(self) -> None:
        """No more faults, and requests counted anew."""
        self.before = self.after = lambda number, name: None
        self.requests.clear()
        self.downloads.clear()

    def state(self) -> dict:
        """What was published, without what differs from time to time."""
        text = json.dumps(self.embedded.store.applications, sort_keys=True)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
        return json.loads(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text))

    def read(self, bucket: str, key: str, account: str) -> bytes:
        """As the repository reads the bucket."""
        if key not in self.objects or not may_read(json.dumps(self.policy), bucket, key, account):
            message = f"The AWS Serverless Application Repository does not have read access to bucket '{bucket}'"
            raise ServiceError("BadRequestException", message)
        return self.objects[key]

    def send(self, request, event_name, **_) -> AWSResponse:
        """Answer a request instead of AWS."""
        service, operation = event_name.split(".")[1:]
        number = len(self.requests)
        self.requests.append(operation)
        answer = self.before(number, operation)
        if answer is None:
            answer = self._s3(request) if service == "s3" else self._sar(request)
            answer = self.after(number, operation) or answer
        return answer

    def _sar(self, request) -> AWSResponse:
        url = urlsplit(request.url)
        query = dict(parse_qsl(url.query))
        answer = self.embedded.answer(ACCOUNT, Request(request.method, url.path, query, {}, _bytes(request.body)))
        return response(answer.status, answer.body, **answer.headers)

    def _s3(self, request) -> AWSResponse:
        key = unquote(urlsplit(request.url).path.rsplit("/", 1)[1])
        if request.method == "HEAD":
            return response(200 if key in self.objects else 404)
        if request.headers.get("If-None-Match") and key in self.objects:
            return response(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        self.objects[key] = _bytes(request.body)
        return response(200)

    def _fetch(self, url: str) -> bytes:
        self.downloads.append(url)
        return self.embedded.store.get(url.removeprefix("memory:"))


@cache
def _client(service: str):
    """A client for all worlds: it takes longer to make one than to publish with it."""
    # Without trailing checksums a request's body is the content itself.
    settings = RETRYING.merge(Config(request_checksum_calculation="when_required"))
    client = boto3.client(service, "us-east-1", aws_access_key_id="AKIA", aws_secret_access_key="x", config=settings)
    client.meta.events.register("before-send", lambda **event: _worlds[0].send(**event))
    return client


def response(status: int, body: bytes = b"", **headers: str) -> AWSResponse:
    answer = AWSResponse("https://aws.test", status, headers, None)
    answer._content = body
    return answer


def failure(status: int, code: str) -> AWSResponse:
    """An error response, in the forms of both services."""
    body = json.dumps({"message": f"{code} was injected"}).encode()
    return response(status, body, **{"x-amzn-ErrorType": code})


def published(
    world: World, pattern, packages, *, sharing=None, public=False, plan=False, approved=None, local=False
) -> Outcome:
    """One run of the publisher over one pattern."""
    options = Options(not plan, parse_sharing(sharing, public=public), approved)
    return publish([pattern], world.destination(packages, local=local), options, Progress())[0]


def _bytes(body) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body.seek(0)
        return body.read()
    return body.encode() if isinstance(body, str) else bytes(body)
