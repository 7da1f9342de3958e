"""The endpoint of the embedded Serverless Application Repository."""

import asyncio
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from blueprints.local.base.clients import Caller
from blueprints.local.base.extension import Receive, Scope, Send
from blueprints.local.base.http import read_body, send_response
from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import Request, Response, ServiceError
from blueprints.local.services.serverlessrepo import authorisation
from blueprints.local.services.serverlessrepo.artifacts import S3Objects
from blueprints.local.services.serverlessrepo.deployments import Deployments
from blueprints.local.services.serverlessrepo.model import API
from blueprints.local.services.serverlessrepo.nested_applications import NestedApplications
from blueprints.local.services.serverlessrepo.repository import EmbeddedRepository
from blueprints.local.services.serverlessrepo.store import Store

ACCOUNT_OF_KEY = Internal("app", "_request_account_scope", ("access_key_id",))

_CONTENT = "/_blueprints/sar/"
_SIGNED_FOR = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/serverlessrepo/")
_REGION = "us-east-1"


class RepositoryEndpoint:
    """Answers requests that are signed for `serverlessrepo`, and requests for content by its digest."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        """Keeps what is published in `folder`; reads artifacts from, and deploys stacks to, `endpoint`."""
        self._store = Store(folder)

        @lru_cache(maxsize=64)
        def client_of(service: str, account: str) -> Any:
            return Caller.owner(account, _REGION, endpoint).client(service, attempts=1, seconds=120)

        def s3_of(account: str) -> Any:
            return client_of("s3", account)

        self._repository = EmbeddedRepository(
            self._store, S3Objects(s3_of), _REGION, lambda digest: f"{endpoint}{_CONTENT}{digest}"
        )
        self._deployments = Deployments(self._repository, client_of, endpoint)
        self._nested = NestedApplications(self._deployments, client_of)

    def install(self) -> None:
        """Let CloudFormation nest what is published."""
        self._nested.install()

    def takes(self, scope: dict[str, Any]) -> bool:
        """Whether a request is for the repository."""
        return str(scope["path"]).startswith(_CONTENT) or _signature(scope) is not None

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await asyncio.to_thread(self._answer, scope, await read_body(receive))
        await send_response(send, answer.status, answer.body, answer.headers)

    def reset(self) -> None:
        """Forget everything, as the account does."""
        self._store.clear()
        self._deployments.clear()

    def _answer(self, scope: dict[str, Any], body: bytes) -> Response:
        path = scope["raw_path"].decode()
        if path.startswith(_CONTENT):
            return self._kept(path.removeprefix(_CONTENT))
        signature = _signature(scope)
        assert signature is not None
        query = dict(parse_qsl(scope["query_string"].decode()))
        try:
            caller = authorisation.caller(signature, ACCOUNT_OF_KEY.current()(signature))
        except ServiceError as error:
            return API.refuse(error)

        def authorise(operation: str, resource: str | None) -> None:
            authorisation.check(caller, operation, resource, _REGION)

        request = Request(scope["method"], path, query, {}, body)
        return self._repository.answer(caller.account, request, authorise)

    def _kept(self, digest: str) -> Response:
        known = re.fullmatch(r"[0-9a-f]{64}", digest) and self._store.path(digest).is_file()
        if not known:
            return Response(404, b"There is no such content", {"Content-Type": "text/plain"})
        return Response(200, self._store.get(digest), {"Content-Type": "application/octet-stream"})


def _signature(scope: dict[str, Any]) -> str | None:
    """The access key of a request that is signed for the repository."""
    for name, value in scope["headers"]:
        if name.lower() == b"authorization":
            found = _SIGNED_FOR.search(value.decode("latin-1"))
            return found[1] if found else None
    return None
