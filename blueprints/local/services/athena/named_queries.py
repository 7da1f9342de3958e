"""AWS::Athena::NamedQuery. `Ref` and the attribute `NamedQueryId` are the id."""

import json
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Made, Properties, ResourceFailed

CREATE = Internal("services.athena", "_create_named_query", ("data",))
DELETE = Internal("services.athena", "_delete_named_query", ("data",))

_REQUIRED = ("Database", "QueryString")
_KEPT = ("Name", "Description", "WorkGroup", *_REQUIRED)


def handlers() -> dict[str, Handler]:
    """CloudFormation's handlers. Every change replaces the query."""
    return {"create": _create, "update": _update, "delete": _delete}


def _create(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    missing = [name for name in _REQUIRED if not props.get(name)]
    if missing:
        raise ResourceFailed(f"Model validation failed (#: required key [{missing[0]}] not found)")
    _, _, body = CREATE.current()({name: props[name] for name in _KEPT if name in props})
    made: dict[str, Any] = json.loads(body)
    return made["NamedQueryId"], {"NamedQueryId": made["NamedQueryId"]}


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Made:
    made = _create(physical_id, new, stack_name)
    _delete(physical_id, old)
    return made


def _delete(physical_id: str, props: Properties) -> None:  # noqa: ARG001
    DELETE.current()({"NamedQueryId": physical_id})
