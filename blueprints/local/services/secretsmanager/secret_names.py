"""Refuses names of secrets with characters that AWS does not allow.

Source: AWS Secrets Manager API Reference, CreateSecret; the message is AWS's.
"""

import re
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

CREATE = Internal("services.secretsmanager", "_create_secret", ("data",))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
_REFUSAL = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"


def install() -> None:
    """Check the name of every new secret."""
    create: Callable[[dict[str, Any]], Any] = CREATE.current()

    def create_if_named_well(data: dict[str, Any]) -> Any:
        name = data.get("Name")
        if isinstance(name, str) and name and not _NAME.fullmatch(name):
            return ERROR.current()("ValidationException", _REFUSAL, 400)
        return create(data)

    CREATE.replace(create_if_named_well)
