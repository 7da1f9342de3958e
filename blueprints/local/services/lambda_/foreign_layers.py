"""Layers of other accounts: a copy that the user supplies serves under the layer's ARN; without one, it is refused.

The base emulator takes any ARN of another account and runs the function without the layer.
"""

import json
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs

from blueprints.local.base.internals import Internal

COPIES_PATH = "/_blueprints/layers"
RESOLVE = Internal("services.lambda_svc", "_resolve_layer_version_for_attachment", ("layer_arn",))
LAYER_ZIP = Internal("services.lambda_svc", "_resolve_layer_zip", ("attachment",))
FAILURE = Internal(
    "services.lambda_svc",
    "error_response_json",
    ("code", "message", "status", "extra", "message_key", "content_type"),
)
PUBLIC_PARAMETERS = Internal("services.ssm", "_PUBLIC_AMI_PARAMETERS")
INTERNALS = (RESOLVE, LAYER_ZIP, FAILURE, PUBLIC_PARAMETERS)
_NAMED_BY_PARAMETER = "arn:aws:lambda:us-east-1:123456789012:layer:named-by-parameter:{}"


class ForeignLayers:
    """The copies by the layer's ARN, in which `*` matches any part, and the HTTP service that receives them."""

    def __init__(self) -> None:
        self._copies: dict[str, bytes] = {}
        self._parameters: dict[str, str] = {}

    def install(self) -> None:
        """Replace the base emulator's look-up."""
        resolve, layer_zip = RESOLVE.current(), LAYER_ZIP.current()

        def resolved(layer_arn: str) -> tuple[dict[str, Any] | None, Any]:
            content = self._copy(layer_arn)
            if content is not None:
                return _version(layer_arn, len(content)), None
            version, error = resolve(layer_arn)
            if version is not None and not version.get("Content", {}).get("CodeSize"):
                return None, FAILURE.current()(
                    "InvalidParameterValueException",
                    f"Layer version {layer_arn} is in another account, and this machine has no copy of it. Name a copy "
                    "in the section [layers] of blueprints.toml.",
                    400,
                )
            return version, error

        def zipped(attachment: str | dict[str, Any]) -> bytes | None:
            arn = attachment.get("Arn", "") if isinstance(attachment, dict) else attachment
            content = self._copy(arn)
            return content if content is not None else layer_zip(attachment)

        RESOLVE.replace(resolved)
        LAYER_ZIP.replace(zipped)

    def takes(self, scope: dict[str, Any]) -> bool:
        """Whether a request supplies a copy."""
        return bool(scope["path"] == COPIES_PATH)

    async def answer(
        self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Awaitable[None]]
    ) -> None:
        """Store the request's body as the copy of the layer that the query names."""
        content = b""
        more = True
        while more:
            message = await receive()
            content += message.get("body", b"")
            more = message.get("more_body", False)
        self._keep(parse_qs(scope["query_string"].decode())["arn"][0], content)
        body = json.dumps({"bytes": len(content)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def reset(self) -> None:
        """Remove all copies."""
        self._copies.clear()
        for name in self._parameters:
            PUBLIC_PARAMETERS.current().pop(name, None)
        self._parameters.clear()

    def _keep(self, arn: str, content: bytes) -> None:
        """Store a copy. A layer that a public parameter names (`ssm:NAME`) gets an invented ARN."""
        name = arn.removeprefix("ssm:")
        if name != arn:
            arn = self._parameters.setdefault(name, _NAMED_BY_PARAMETER.format(len(self._parameters) + 1))
            PUBLIC_PARAMETERS.current()[name] = arn
        self._copies[arn] = content

    def _copy(self, arn: str) -> bytes | None:
        return next((content for pattern, content in self._copies.items() if fnmatchcase(arn, pattern)), None)


def _version(arn: str, size: int) -> dict[str, Any]:
    layer, _, version = arn.rpartition(":")
    return {"LayerArn": layer, "LayerVersionArn": arn, "Version": int(version), "Content": {"CodeSize": size}}
