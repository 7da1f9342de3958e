"""Functions of templates: refused if they cannot run, and created with all their settings."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import ResourceFailed, wrap
from blueprints.local.services.lambda_.function_code import reason_not_to_run

CODE_FROM_S3 = Internal("services.lambda_svc", "_fetch_code_from_s3", ("bucket", "key", "version_id"))
FUNCTIONS = Internal("services.lambda_svc", "_functions")

_Create = Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]
_Update = Callable[..., tuple[str, dict[str, Any]]]


def install() -> None:
    """Check every function before it is created or changed, and complete it afterwards."""
    wrap("AWS::Lambda::Function", create=_checked_create, update=_checked_update)


def _checked_create(create: _Create) -> _Create:
    def checked(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        _check_function(props)
        physical_id, attributes = create(logical_id, props, stack_name)
        _complete_function(physical_id, props)
        return physical_id, attributes

    return checked


def _checked_update(update: _Update) -> _Update:
    def checked(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> tuple[str, dict[str, Any]]:
        _check_function(new)
        updated_id, attributes = update(physical_id, old, new, *rest)
        _complete_function(updated_id, new)
        return updated_id, attributes

    return checked


def _check_function(props: dict[str, Any]) -> None:
    code = props.get("Code") or {}
    package_type = "Image" if code.get("ImageUri") else props.get("PackageType", "Zip")
    reason = reason_not_to_run({"PackageType": package_type, "Runtime": props.get("Runtime")})
    if reason:
        raise ResourceFailed(f"This function cannot run on the embedded AWS: {reason}.")
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if bucket and CODE_FROM_S3.current()(bucket, key, code.get("S3ObjectVersion")) is None:
        raise ResourceFailed(
            f"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
            f"The specified key does not exist: s3://{bucket}/{key}."
        )


def _complete_function(name: str, props: dict[str, Any]) -> None:
    """Set what the base emulator takes from the API and ignores in a template."""
    function = FUNCTIONS.current()[name]
    function["concurrency"] = props.get("ReservedConcurrentExecutions")
    function["config"]["DeadLetterConfig"] = props.get("DeadLetterConfig") or {}
    if props.get("KmsKeyArn"):
        function["config"]["KMSKeyArn"] = props["KmsKeyArn"]
