"""The resource types that cfn-lint knows, and their schemas, read from its files without importing it."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blueprints.cfn_lint.loading import REGION, load

Schema = dict[str, Any]

_CUSTOM = "AWS::CloudFormation::CustomResource"


@cache
def resource_schema(resource_type: str) -> Schema | None:
    """The schema of a resource type; None if there is no such type."""
    kind = _CUSTOM if resource_type.startswith("Custom::") else resource_type
    path = _files().get(kind)
    if path is not None and path.is_file():
        found: Schema = json.loads(path.read_text(encoding="utf-8"))
        return found
    if path is None and _files() and not kind.endswith("::MODULE"):
        return None
    return _asked_for(kind)


@cache
def resource_types() -> tuple[str, ...]:
    """Every resource type that cfn-lint has a schema of."""
    if _files():
        return tuple(_files())
    load()
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    return tuple(PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION))


def _asked_for(resource_type: str) -> Schema | None:
    load()
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

    try:
        found: Schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    except ResourceNotFoundError:
        return None
    return found


@cache
def _files() -> dict[str, Path]:
    """Resource type to the file of its schema; empty if this version of cfn-lint keeps them elsewhere."""
    package = find_spec("cfnlint")
    home = Path(str(package.origin if package else "")).parent / "data" / "schemas"
    try:
        listed = [json.loads((home / "providers" / name).read_text("utf-8")) for name in (f"{REGION}.json", "sam.json")]
    except FileNotFoundError:
        return {}
    return {kind: home / "resources" / f"{digest}.json" for types in listed for kind, digest in types.items()}
