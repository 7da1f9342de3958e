"""Writes the logs of requests to CloudWatch Logs, as the logConfig of an API says, with the permissions of its role.

A request has a summary at every level. `fieldLogLevel` adds the fields: NONE none, ERROR those that failed and what
code logs by console.error, INFO and DEBUG everything that code logs, ALL every resolver with its time.
`excludeVerboseContent` leaves out the text of the request and its headers.

Source: AWS AppSync Developer Guide, "Using CloudWatch to monitor and log GraphQL API data".
"""

import json
import logging
import queue
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.http import AnsweredRequest
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import Request, ResolvedField
from blueprints.local.services.iam import RoleNotAssumed, assume_role, may
from blueprints.local.services.logs import Line, append

SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

_SERVICE = "appsync.amazonaws.com"
_LONGEST = 200_000
"""Characters of a line; CloudWatch Logs refuses events that are longer than 256 KB."""
_SECONDS_BEFORE_WRITING = 0.1
_WITH_CODE = frozenset(("INFO", "DEBUG", "ALL"))

log = logging.getLogger(__name__)


class RequestLogs:
    """Writes on a thread of its own, so that no request waits for its log."""

    def __init__(self, endpoint: str) -> None:
        """`endpoint` is where CloudWatch Logs answers."""
        self._endpoint = endpoint
        self._answered: queue.SimpleQueue[tuple[int, AnsweredRequest] | threading.Event] = queue.SimpleQueue()
        self._stream = uuid.uuid4().hex
        self._complained: set[tuple[str, str]] = set()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def add(self, answered: AnsweredRequest) -> None:
        """Log a request of an authenticated caller, if its API has a logConfig."""
        if answered.request and answered.api.record.get("logConfig"):
            self._start()
            self._answered.put((int(time.time() * 1000), answered))

    def flush(self) -> None:
        """Wait until everything that was added is written."""
        if self._thread:
            written = threading.Event()
            self._answered.put(written)
            written.wait(timeout=5)

    def reset(self) -> None:
        """Write what was added, before the log groups go; APIs of the same ids are complained about again."""
        self.flush()
        self._complained.clear()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, name="appsync-logs", daemon=True)
                self._thread.start()

    def _write_on(self) -> None:
        while True:
            batch = [self._answered.get()]
            time.sleep(_SECONDS_BEFORE_WRITING)  # more may come: the role's permissions are checked once for all
            while not self._answered.empty():
                batch.append(self._answered.get())
            self._write([each for each in batch if not isinstance(each, threading.Event)])
            for each in batch:
                if isinstance(each, threading.Event):
                    each.set()

    def _write(self, answered: list[tuple[int, AnsweredRequest]]) -> None:
        lines: dict[str, tuple[GraphqlApi, list[Line]]] = {}
        for moment, each in answered:
            _, found = lines.setdefault(each.api.api_id, (each.api, []))
            found += [(moment, text[:_LONGEST]) for text in lines_of(each)]
        for api, found in lines.values():
            try:
                with SCOPE.current()(api.account, api.region):
                    self._append(api, found)
            except (RoleNotAssumed, NotPermitted, ClientError, BotoCoreError) as error:
                self._complain(api, str(error))
            except Exception:
                log.exception("the requests of the AppSync API %s are not logged", api.api_id)

    def _append(self, api: GraphqlApi, lines: list[Line]) -> None:
        role = str(api.record["logConfig"].get("cloudWatchLogsRoleArn"))
        session = assume_role(role, _SERVICE, "APPSYNC_ASSUME_ROLE", api.region, self._endpoint)
        group = f"/aws/appsync/apis/{api.api_id}"
        arn = f"arn:aws:logs:{api.region}:{api.account}:log-group:{group}:log-stream:{self._stream}"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if not may(session, action, arn):
                raise NotPermitted(f"{role} is not authorized to perform {action} on {arn}")
        if not append(group, self._stream, lines):
            self._create_group(session, group)
            append(group, self._stream, lines)

    def _create_group(self, session: Caller, group: str) -> None:
        session.client("logs").create_log_group(logGroupName=group)

    def _complain(self, api: GraphqlApi, reason: str) -> None:
        """Say once for each reason why an API has no logs: AWS only leaves them out."""
        if (api.api_id, reason) not in self._complained:
            self._complained.add((api.api_id, reason))
            log.error("the requests of the AppSync API %s are not logged: %s", api.api_id, reason)


class NotPermitted(Exception):
    """The role of a logConfig may not write logs."""


def lines_of(answered: AnsweredRequest) -> Iterator[str]:
    """The lines of a request; each begins with the id of the request."""
    request, config = answered.request, answered.api.record["logConfig"]
    if request is None:
        return
    level, verbose = config.get("fieldLogLevel", "NONE"), not config.get("excludeVerboseContent")
    for line in _lines(answered, request, level, verbose=verbose):
        yield f"{request.request_id} {line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)}"


def _lines(answered: AnsweredRequest, request: Request, level: str, *, verbose: bool) -> Iterator[str | dict[str, Any]]:
    yield "Begin Request"
    if verbose:
        variables = json.dumps(request.variables, ensure_ascii=False)
        yield f"GraphQL Query: {request.query}, Operation: {request.operation_name}, Variables: {variables}"
        yield f"Request Headers: {_headers(request.headers)}"
    for each in answered.response.fields if answered.response else ():
        yield from _field_lines(request, each, level)
    ids = {"requestId": request.request_id, "graphQLAPIId": request.api.api_id}
    nanoseconds = int(answered.seconds * 1e9)
    yield {"logType": "ExecutionSummary", **ids, "duration": nanoseconds, "version": 1}
    yield {"logType": "RequestSummary", **ids, "statusCode": answered.status, "latency": nanoseconds}
    yield "End Request"


def _field_lines(request: Request, field: ResolvedField, level: str) -> Iterator[str | dict[str, Any]]:
    if level == "NONE":
        return
    yield from (text for text in field.logs if level in _WITH_CODE or text.startswith("ERROR"))
    described = {
        "requestId": request.request_id,
        "graphQLAPIId": request.api.api_id,
        "parentType": field.parent_type,
        "fieldName": field.field_name,
        "path": list(field.path),
        "resolverArn": f"{request.api.arn}/types/{field.parent_type}/resolvers/{field.field_name}",
    }
    if field.error:
        yield {"logType": "ResponseMapping", **described, "fieldInError": True, "errors": [field.error]}
    if level == "ALL":
        yield {
            "logType": "Tracing",
            **described,
            "returnType": field.return_type,
            "startOffset": int(field.started * 1e9),
            "duration": int(field.seconds * 1e9),
        }


def _headers(headers: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}=[{value}]" for name, value in headers.items()) + "}"
