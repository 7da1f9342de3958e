"""AWS IAM itself: roles, users, groups, policies and instance profiles by the ARN with their path.

Source: Service Authorization Reference, "AWS Identity and Access Management (IAM)".
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, by_operation

ROLES = Internal("services.iam", "_roles")
USERS = Internal("services.iam", "_users")
GROUPS = Internal("services.iam", "_groups")
PROFILES = Internal("services.iam", "_instance_profiles")
CALLER_ARN = Internal("core.iam_evaluator", "caller_arn", ())

_KINDS: Mapping[str, tuple[str, Internal]] = {
    "RoleName": ("role", ROLES),
    "UserName": ("user", USERS),
    "GroupName": ("group", GROUPS),
}
"""Parameters that name what a request is about, in the order in which they count."""
_OWN_USER = ("ChangePassword", "CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey")
"""Operations that are about the caller, if they name no user."""
_NEW_BOUNDARY = ("CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary")
_PROFILES = (
    "CreateInstanceProfile",
    "DeleteInstanceProfile",
    "GetInstanceProfile",
    "ListInstanceProfileTags",
    "RemoveRoleFromInstanceProfile",
    "TagInstanceProfile",
    "UntagInstanceProfile",
)


def _arn(call: Call, kind: str, name: str, stored: Mapping[str, Any]) -> str:
    """As it is stored; of one that does not exist, with the path that the request gives to a new one."""
    path = call.text("Path") or "/"
    return str(stored.get("Arn") or f"arn:aws:iam::{call.account}:{kind}{path}{name}")


def _named(kind: str, parameter: str, store: Internal) -> Callable[[Call], str]:
    def resource(call: Call) -> str:
        name = call.text(parameter)
        return _arn(call, kind, name, store.current().get(name) or {}) if name else "*"

    return resource


def _resource(call: Call) -> str:
    """The role, user, group or policy that a request names; `*` if it names none."""
    for parameter, (kind, store) in _KINDS.items():
        if call.text(parameter):
            return _named(kind, parameter, store)(call)
    caller = str(CALLER_ARN.current()()) if call.operation in _OWN_USER else ""
    if ":user/" in caller:
        return caller
    return call.text("PolicyArn", "OpenIDConnectProviderArn", "SAMLProviderArn") or "*"


def _new_policy(call: Call) -> str:
    return _arn(call, "policy", call.text("PolicyName"), {})


def _keys(call: Call) -> Mapping[str, Any]:
    """The policy that is attached, the permissions boundary and the tags of the role or user."""
    stored = _stored(call)
    boundary = (
        call.text("PermissionsBoundary") if call.operation in _NEW_BOUNDARY else stored.get("PermissionsBoundary")
    )
    keys = {"iam:PolicyARN": call.text("PolicyArn"), "iam:PermissionsBoundary": boundary}
    tags = {f"iam:ResourceTag/{tag['Key']}": tag["Value"] for tag in stored.get("Tags") or ()}
    return {**{name: value for name, value in keys.items() if value}, **tags}


def _stored(call: Call) -> Mapping[str, Any]:
    """The role or user that a request names, as the base emulator keeps it; empty if there is none."""
    for parameter, store in (("RoleName", ROLES), ("UserName", USERS)):
        if call.text(parameter):
            return store.current().get(call.text(parameter)) or {}
    return {}


def _passed_to(call: Call) -> Mapping[str, Any]:  # noqa: ARG001 - the same for every call
    """Instance profiles are for Amazon EC2."""
    return {"iam:PassedToService": "ec2.amazonaws.com"}


_GROUP = _named("group", "GroupName", GROUPS)
_PROFILE = _named("instance-profile", "InstanceProfileName", PROFILES)
_ROLE = _named("role", "RoleName", ROLES)

_OPERATIONS: Operations = {
    **{name: (Needs(name, _PROFILE),) for name in _PROFILES},
    **{name: (Needs(name, _GROUP),) for name in ("AddUserToGroup", "RemoveUserFromGroup")},
    "AddRoleToInstanceProfile": (
        Needs("AddRoleToInstanceProfile", _PROFILE),
        Needs("PassRole", _ROLE, keys=_passed_to),
    ),
    "CreatePolicy": (Needs("CreatePolicy", _new_policy),),
}

SERVICES = {"iam": by_operation("iam", _OPERATIONS, default=_resource, keys=_keys)}
