"""Layers of other accounts: a copy that the user supplies serves under the layer's ARN; without one, it is refused.

The base emulator takes any ARN of another account and runs the function without the layer.
"""

from fnmatch import fnmatchcase
from typing import Any

from blueprints.local.base.internals import Internal

RESOLVE = Internal("services.lambda_svc", "_resolve_layer_version_for_attachment", ("layer_arn",))
LAYER_ZIP = Internal("services.lambda_svc", "_resolve_layer_zip", ("attachment",))
FAILURE = Internal(
    "services.lambda_svc",
    "error_response_json",
    ("code", "message", "status", "extra", "message_key", "content_type"),
)
PUBLIC_PARAMETERS = Internal("services.ssm", "_PUBLIC_AMI_PARAMETERS")
_NAMED_BY_PARAMETER = "arn:aws:lambda:us-east-1:123456789012:layer:named-by-parameter:{}"


class ForeignLayers:
    """The copies by the layer's ARN, in which `*` matches any part."""

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

    def supply(self, layer_arn: str, content: bytes) -> dict[str, int]:
        """Use this archive under a layer's ARN; returns its size in `bytes`."""
        self._keep(layer_arn, content)
        return {"bytes": len(content)}

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
