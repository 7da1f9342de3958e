"""Checks input by botocore's model of AppSync: missing members, lengths, limits, names."""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.model_constraints import violations
from blueprints.local.base.service_models import model_of
from blueprints.local.services.appsync.control_plane.errors import Refused

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


def check_model(operation: str, given: Mapping[str, Any]) -> None:
    """Raises Refused for input that the operation's model excludes: lengths, patterns, limits, missing members."""
    shape = model_of("appsync").operation_model(operation).input_shape
    missing = [each for each in shape.required_members if given.get(each) in (None, "")]
    if missing:
        raise Refused(f"{', '.join(missing)} must be given.")
    found = violations(shape, {name: value for name, value in given.items() if name in shape.members})
    if found:
        raise Refused(found)
    for name, member in shape.members.items():
        if (
            member.name == "ResourceName"
            and name != "functionId"
            and given.get(name)
            and not _NAME.fullmatch(str(given[name]))
        ):
            constraint = f"satisfy regular expression pattern: {_NAME.pattern}"
            raise Refused(f"Value '{given[name]}' at '{name}' failed to satisfy constraint: Member must {constraint}")
