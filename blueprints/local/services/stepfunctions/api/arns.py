"""ARNs and names of Step Functions' resources."""

import re

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

MACHINE, EXECUTION, EXPRESS, ACTIVITY, MAP_RUN = "stateMachine", "execution", "express", "activity", "mapRun"

_PARTS_OF_AN_ARN = 6
_LONGEST_NAME = 80
_FORBIDDEN_IN_NAMES = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]")


def scope() -> tuple[str, str]:
    """The account and the Region of the request."""
    return ACCOUNT.current()(), REGION.current()()


def make(kind: str, *parts: object) -> str:
    """The ARN of a resource of the request's account and Region."""
    account, region = scope()
    return ":".join(("arn:aws:states", region, account, kind, *map(str, parts)))


def check(arn: str, *kinds: str) -> None:
    """Raise InvalidArn unless an ARN is well-formed and of one of the kinds."""
    parts = arn.split(":")
    if parts[0] != "arn" or len(parts) < _PARTS_OF_AN_ARN:
        raise ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if parts[2] != "states" or parts[5] not in kinds:
        raise ServiceError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {parts[5]}'")


def is_of_request(arn: str) -> bool:
    """Whether an ARN is of the request's account and Region."""
    return tuple(arn.split(":")[4:2:-1]) == scope()


def check_name(name: str) -> None:
    """Raise InvalidName unless a name may be given to a state machine, an execution or an activity."""
    if not 0 < len(name) <= _LONGEST_NAME or _FORBIDDEN_IN_NAMES.search(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")


def unqualified(machine_arn: str) -> tuple[str, str]:
    """A state machine's ARN without its qualifier, and the qualifier: a version, the name of an alias, or nothing."""
    parts = machine_arn.split(":")
    return ":".join(parts[:7]), ":".join(parts[7:])


def without_label(machine_arn: str) -> tuple[str, str]:
    """A state machine's ARN without the label of a Map state, and the label or nothing."""
    arn, _, label = machine_arn.partition("/")
    return arn, label
