"""Calls of CloudFormation to Step Functions; an error of the service becomes the reason why a resource failed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import ResourceFailed

Call = Callable[[str, dict[str, Any]], Mapping[str, Any]]
"""Calls an operation, such as `CreateStateMachine`, with its parameters, and returns its result."""

_DOES_NOT_EXIST = ("StateMachineDoesNotExist", "ResourceNotFound", "ActivityDoesNotExist")
_KINDS = {
    "AccessDeniedException": "AccessDenied",
    "ConflictException": "ResourceConflict",
    "ServiceQuotaExceededException": "ServiceLimitExceeded",
    **dict.fromkeys(_DOES_NOT_EXIST, "NotFound"),
}


class ServiceCalls:
    """The operations of Step Functions that CloudFormation calls."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def do(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation without the parameters that are None. Raises ResourceFailed with the service's words."""
        try:
            return self._call(operation, _without_none(parameters))
        except ServiceError as error:
            raise handler_error(error.message, _KINDS.get(error.code, "InvalidRequest"), sdk=True) from error

    def find(self, operation: str, **parameters: Any) -> Mapping[str, Any] | None:
        """Call an operation; None if its resource does not exist."""
        try:
            return self._call(operation, parameters)
        except ServiceError as error:
            if error.code in _DOES_NOT_EXIST or error.code == "InvalidArn":
                return None
            raise handler_error(error.message, _KINDS.get(error.code, "InvalidRequest"), sdk=True) from error

    def state_machine(self, arn: str) -> Mapping[str, Any] | None:
        """A state machine as DescribeStateMachine returns it; None if there is none."""
        found = self.find("DescribeStateMachine", stateMachineArn=arn)
        return None if found is None or found.get("status") == "DELETING" else found

    def set_tags(self, arn: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Change a resource's tags from those of its old properties to those of the new ones."""
        before, after = ({each["key"]: each["value"] for each in tags(props) or ()} for props in (old, new))
        removed = sorted(before.keys() - after.keys())
        if removed:
            self.do("UntagResource", resourceArn=arn, tagKeys=removed)
        changed = [{"key": key, "value": value} for key, value in after.items() if before.get(key) != value]
        if changed:
            self.do("TagResource", resourceArn=arn, tags=changed)


def handler_error(message: str, kind: str, *, sdk: bool = False) -> ResourceFailed:
    """The reason as CloudFormation words it; `kind` is its HandlerErrorCode, `sdk` marks an answer of the service."""
    service = " (Service: Sfn, Status Code: 400)" if sdk else ""
    return ResourceFailed(f'Resource handler returned message: "{message}{service}" (HandlerErrorCode: {kind})')


def tags(properties: dict[str, Any]) -> list[dict[str, str]] | None:
    """A template's `Tags` as the service takes them; None if there are none."""
    written: Iterable[dict[str, Any]] = properties.get("Tags") or ()
    return [{"key": str(each["Key"]), "value": str(each.get("Value", ""))} for each in written] or None


def camel(value: Any) -> Any:
    """Property names as the service's API spells them: `IncludeExecutionData` becomes `includeExecutionData`."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: camel(each) for name, each in value.items()}
    if isinstance(value, list):
        return [camel(each) for each in value]
    return value


def _without_none(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
