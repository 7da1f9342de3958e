"""Suspends a bucket's versioning if its template says so, or no longer mentions it.

The base emulator knows templates that enable it, and no others.
Source: AWS CloudFormation Template Reference, AWS::S3::Bucket VersioningConfiguration.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY

VERSIONING = Internal("services.s3", "_bucket_versioning")

_TYPE = "AWS::S3::Bucket"
_PROPERTY = "VersioningConfiguration"


def install() -> None:
    """Set the versioning after a template's bucket was created or changed."""
    handlers = REGISTRY.current()[_TYPE]
    create: Callable[..., Any] = handlers["create"]
    update: Callable[..., Any] = handlers["update"]

    def create_versioned(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, props, stack_name)
        _suspend(made[0], {}, props)
        return made

    def update_versioned(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        made = update(physical_id, old, new, *rest)
        if made[0] == physical_id:
            _suspend(physical_id, old, new)
        return made

    REGISTRY.current()[_TYPE] = {**handlers, "create": create_versioned, "update": update_versioned}


def _suspend(bucket: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """A bucket that once had versioning cannot turn it off, only suspend it."""
    status = (new.get(_PROPERTY) or {}).get("Status")
    if status == "Suspended" or (not status and old.get(_PROPERTY)):
        VERSIONING.current()[bucket] = "Suspended"
