"""Invokes functions from inside the embedded AWS as a request over HTTP would, without its cost.

The permission, the payload's limits, the alias, the throttles, the metrics and the logs are those of a request: the
same code answers it. Only the connection and the signature are left out.
"""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal

HANDLE = Internal("services.lambda_svc", "handle_request", ("method", "path", "headers", "body", "query_params"))
SET_ACCOUNT = Internal("core.responses", "set_request_account_id", ("access_key_id",))
SET_REGION = Internal("core.responses", "set_request_region", ("region",))
ACCOUNT = Internal("core.responses", "get_account_id", ())
ACTION = Internal(
    "core.iam_actions", "extract_iam_action", ("service", "method", "path", "headers", "body", "query_params")
)
RESOURCE = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)
ENFORCE = Internal(
    "core.iam_evaluator",
    "enforce",
    ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
)
DENIAL = Internal(
    "core.iam_actions", "identity_denial_message", ("action", "principal_arn", "resource", "explicit_deny")
)

_ACTION = "lambda:InvokeFunction"


@dataclass(frozen=True)
class LambdaResponse:
    """What Lambda answers to Invoke."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str

    @property
    def error(self) -> tuple[str, str] | None:
        """The code and the message of an error of Lambda itself; None if the function ran."""
        if self.status < 300:
            return None
        described = json.loads(self.body or b"{}")
        code = self._header("x-amzn-errortype") or str(described.get("__type") or described.get("Type") or "")
        return code.split(":")[0], str(described.get("message") or described.get("Message") or "")

    @property
    def function_error(self) -> str | None:
        """`Unhandled` if the function failed; the body is its error."""
        return self._header("x-amz-function-error")

    @property
    def executed_version(self) -> str:
        """The version that ran."""
        return self._header("x-amz-executed-version") or "$LATEST"

    @property
    def log_result(self) -> str | None:
        """The end of the log, base64, if the request asked for it."""
        return self._header("x-amz-log-result")

    def _header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name), None)


async def invoke(
    caller: Caller,
    function: str,
    payload: bytes,
    *,
    qualifier: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> LambdaResponse:
    """Invoke a function by its name or ARN, with the caller's permissions.

    `headers` are those of the API's Invoke, such as `X-Amz-Invocation-Type`. Sets the account and the Region of the
    context in which it is awaited. When it is cancelled, it ends after the function.
    """
    request_id = str(uuid.uuid4())
    SET_ACCOUNT.current()(caller.access_key)
    SET_REGION.current()(caller.region)
    path = f"/2015-03-31/functions/{quote(function, safe=':')}/invocations"
    sent = {
        "authorization": f"AWS4-HMAC-SHA256 Credential={caller.access_key}/{caller.region}/lambda",
        **{name.lower(): value for name, value in (headers or {}).items()},
    }
    query = {"Qualifier": [qualifier]} if qualifier else {}
    refusal = _refusal(caller, path, sent, query)
    if refusal:
        code, message = refusal
        return LambdaResponse(403, {"x-amzn-errortype": code}, json.dumps({"message": message}).encode(), request_id)
    handle: Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]] = HANDLE.current()
    status, answered, content = await handle("POST", path, sent, payload, query)
    return LambdaResponse(status, answered, content, request_id)


def _refusal(caller: Caller, path: str, headers: dict[str, str], query: dict[str, list[str]]) -> tuple[str, str] | None:
    """The code and the message if the caller may not invoke, or None."""
    ACTION.current()("lambda", "POST", path, headers, b"", query)  # as for a request, the action is read first
    arn = RESOURCE.current()("lambda", "POST", path, headers, b"", query, caller.region, ACCOUNT.current()())
    refused: Any = ENFORCE.current()(caller.access_key, _ACTION, "lambda", caller.region, resource_arn=arn)
    if not refused:
        return None
    if not hasattr(refused, "decision"):  # the credentials are not valid
        return str(refused.code), str(refused.message)
    message = DENIAL.current()(_ACTION, refused.principal_arn, arn, refused.decision == "Deny")
    return "AccessDeniedException", str(message)
