"""Checks of what a state machine is created with: definition, role, logging, encryption.

Source of the messages: answers of AWS. Where none is known, the message says what is wrong in the same form.
"""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.iam import RoleNotAssumed, assume_role, caller_arn, caller_may, may
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.tasks import RoleNotTrusted, check_trust
from blueprints.states_language.definition import Definition, InvalidDefinition, parse

LOG_GROUPS = Internal("services.cloudwatch_logs", "_log_groups")

_SERVICE = "states.amazonaws.com"
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_LOG_GROUP = re.compile(r"arn:aws[\w-]*:logs:([\w-]+):(\d{12}):log-group:([^:*]+)(:\*)?")
_LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
_LOGGING_OFF = {"level": "OFF", "includeExecutionData": False}
_AWS_KEY = {"type": "AWS_OWNED_KEY"}
_DATA_KEY_SECONDS = 300

Settings = dict[str, Any]


def read_definition(text: str, machine_type: str) -> Definition:
    """The definition, parsed. Raises InvalidDefinition, as the API answers it."""
    try:
        return parse(text, express=machine_type == "EXPRESS")
    except InvalidDefinition as fault:
        message = str(fault) if str(fault).startswith("'") else f"'{fault}'"
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: {message}") from fault


def check_role(role_arn: str, region: str) -> None:
    """Raise ServiceError unless Step Functions may assume the role."""
    if not _ROLE.fullmatch(role_arn):
        raise ServiceError("InvalidArn", f"Invalid Role Arn: '{role_arn}'")
    if role_arn.split(":")[4] != arns.scope()[0]:
        raise ServiceError("AccessDeniedException", "Cross-account pass role is not allowed.")
    _check_caller("iam:PassRole", role_arn, {"iam:PassedToService": _SERVICE})
    try:
        check_trust(role_arn, region)
    except RoleNotTrusted as error:
        raise ServiceError("AccessDeniedException", str(error)) from None


def check_publishing(machine_arn: str) -> None:
    """Raise ServiceError unless the caller may publish versions of a machine, which `publish` needs too."""
    _check_caller("states:PublishStateMachineVersion", machine_arn)


def read_logging(given: Mapping[str, Any] | None, role_arn: str, region: str) -> Settings:
    """The logging configuration with its defaults. Raises ServiceError if it cannot work."""
    if not given:
        return dict(_LOGGING_OFF)
    logging = {**_LOGGING_OFF, **given}
    destinations = logging.get("destinations") or []
    if len(destinations) > 1 or (not destinations and logging["level"] != "OFF"):
        raise _invalid_logging("Must specify exactly one Log Destination.")
    for each in destinations:
        _check_destination((each.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn"))
        if logging["level"] != "OFF":
            _check_log_delivery(role_arn, region)
    return logging


def read_encryption(given: Mapping[str, Any] | None) -> Settings:
    """The encryption configuration with its defaults; keys of KMS are kept, not used. Raises ServiceError."""
    if not given:
        return dict(_AWS_KEY)
    if given["type"] == _AWS_KEY["type"]:
        for name in ("kmsKeyId", "kmsDataKeyReusePeriodSeconds"):
            if name in given:
                raise _invalid_encryption(f"Custom {name} is not allowed when selecting AWS_OWNED_KEY.")
        return dict(_AWS_KEY)
    if not given.get("kmsKeyId"):
        raise _invalid_encryption("Must set a valid kmsKeyId.")
    return {"kmsDataKeyReusePeriodSeconds": _DATA_KEY_SECONDS, **given}


def _check_caller(action: str, resource: str, keys: Mapping[str, str] | None = None) -> None:
    if not caller_may(action, resource, keys):
        raise ServiceError(
            "AccessDeniedException",
            f"User: {caller_arn()} is not authorized to perform: {action} on resource: {resource} because no "
            f"identity-based policy allows the {action} action",
        )


def _check_destination(log_group_arn: str | None) -> None:
    if not log_group_arn:
        raise _invalid_logging("Must specify exactly one Log Destination.")
    found = _LOG_GROUP.fullmatch(log_group_arn)
    if not found or not found[4]:
        raise _invalid_logging("Log Destination must be the ARN of a log group that ends with ':*'.")
    if found[3] not in LOG_GROUPS.current():
        raise _invalid_logging("Log Destination not found.")


def _check_log_delivery(role_arn: str, region: str) -> None:
    try:
        session = assume_role(role_arn, _SERVICE, "log-delivery", region, endpoint="")
        denied = [action for action in _LOG_DELIVERY if not may(session, action, "*", account=arns.scope()[0])]
    except RoleNotAssumed:
        denied = ["sts:AssumeRole"]
    if denied:
        raise ServiceError(
            "AccessDeniedException",
            "The state machine IAM Role is not authorized to access the Log Destination",
        )


def _invalid_logging(fault: str) -> ServiceError:
    return ServiceError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {fault}")


def _invalid_encryption(fault: str) -> ServiceError:
    return ServiceError("InvalidEncryptionConfiguration", f"Invalid Encryption Configuration: {fault}")
