"""AppSpec files of functions: which version an alias goes to, and which hooks run.

Source: AWS CodeDeploy User Guide, "AppSpec 'resources' section (AWS Lambda deployments only)" and "AppSpec 'hooks'".
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.codedeploy.records import AFTER, BEFORE, Target

_KEYS = ("Name", "Alias", "CurrentVersion", "TargetVersion")


def target_of(revision: Mapping[str, Any]) -> Target:
    """The target that a revision describes, as JSON or YAML. Raises ServiceError."""
    written = _parsed(_content(revision))
    resources = written.get("Resources") or written.get("resources")
    if not isinstance(resources, list) or len(resources) != 1:
        raise _invalid("The AppSpec file must have exactly one resource")
    (resource,) = resources[0].values()
    kind = resource.get("Type") or resource.get("type")
    if kind != "AWS::Lambda::Function":
        raise _invalid(f"The AppSpec file's resource must be of type AWS::Lambda::Function, not {kind}")
    properties = _by_lower_case(resource.get("Properties") or resource.get("properties") or {})
    missing = [key for key in _KEYS if not properties.get(key.lower())]
    if missing:
        raise _invalid(f"The AppSpec file lacks {', '.join(missing)}")
    name, alias, current, target = (str(properties[key.lower()]) for key in _KEYS)
    return Target(name, alias, current, target, _hooks(written.get("Hooks") or written.get("hooks") or []))


def _content(revision: Mapping[str, Any]) -> str:
    kind = revision.get("revisionType")
    source = {"AppSpecContent": "appSpecContent", "String": "string"}.get(str(kind))
    if source is None:
        raise _invalid(f"Revisions of type {kind} are not emulated for functions; use AppSpecContent or String")
    content = str((revision.get(source) or {}).get("content") or "")
    expected = (revision.get(source) or {}).get("sha256")
    if expected and hashlib.sha256(content.encode()).hexdigest() != expected:
        raise _invalid("The AppSpec file does not have the SHA-256 of the request")
    return content


def _parsed(content: str) -> dict[str, Any]:
    try:
        written = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise _invalid(f"The AppSpec file is neither YAML nor JSON: {error}") from None
    if not isinstance(written, dict):
        raise _invalid("The AppSpec file is not an object")
    return written


def _hooks(written: Any) -> dict[str, str]:
    hooks = {str(name): str(function) for each in written for name, function in each.items() if function}
    unknown = hooks.keys() - {BEFORE, AFTER}
    if unknown:
        raise _invalid(f"Deployments of functions have no hook {', '.join(sorted(unknown))}")
    return hooks


def _by_lower_case(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in properties.items()}


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidRevisionException", message)
