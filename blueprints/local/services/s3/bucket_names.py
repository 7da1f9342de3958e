"""Refuses a template's bucket whose name S3 refuses; the base emulator checks only the API's.

Source: Amazon S3 User Guide, "General purpose bucket naming rules".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed

IS_VALID = Internal("services.s3", "_validate_bucket_name", ("name",))

_TYPE = "AWS::S3::Bucket"


def install() -> None:
    """Check a template's bucket before it is created."""
    handlers = REGISTRY.current()[_TYPE]
    create: Callable[..., Any] = handlers["create"]

    def create_checked(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        name = props.get("BucketName")
        if name and not IS_VALID.current()(name):
            raise ResourceFailed(f"The specified bucket is not valid: {name}")
        return create(logical_id, props, stack_name)

    REGISTRY.current()[_TYPE] = {**handlers, "create": create_checked}
