"""Refuses to delete resources that their service refuses to delete: a full bucket, a protected table, a role in use.

The base emulator deletes such a resource with its content. CloudFormation reports the error as the reason of
DELETE_FAILED, deletes the stack's other resources, and tries again with the next DeleteStack.
Sources: the API references of DeleteBucket, DeleteTable, DeleteDBCluster, DeleteDBInstance, DeleteUserPool and
DeleteRole.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed

BUCKETS = Internal("services.s3", "_buckets")
HAS_VERSIONS = Internal("services.s3", "_bucket_has_versions", ("name",))
TABLES = Internal("services.dynamodb", "_tables")
CLUSTERS = Internal("services.rds", "_clusters")
INSTANCES = Internal("services.rds", "_instances")
USER_POOLS = Internal("services.cognito", "_user_pools")
ROLES = Internal("services.iam", "_roles")
INSTANCE_PROFILES = Internal("services.iam", "_instance_profiles")

_Properties = dict[str, Any]
_Reason = Callable[[str, _Properties], str | None]


def install() -> None:
    """Check, before every deletion of these types, whether their service refuses it."""
    registry = REGISTRY.current()
    for resource_type, reason in _REASONS.items():
        handlers = registry[resource_type]
        registry[resource_type] = {**handlers, "delete": _refusing(handlers["delete"], reason)}


def _refusing(delete: Callable[..., None], reason: _Reason) -> Callable[..., None]:
    def delete_unless_refused(physical_id: str, props: _Properties) -> None:
        refusal = reason(physical_id, props)
        if refusal:
            raise ResourceFailed(refusal)
        delete(physical_id, props)

    return delete_unless_refused


def _bucket_not_empty(name: str, props: _Properties) -> str | None:  # noqa: ARG001
    bucket = BUCKETS.current().get(name)
    if bucket and (bucket["objects"] or HAS_VERSIONS.current()(name)):
        return f"The bucket you tried to delete is not empty: {name} (Service: S3, Status Code: 409, BucketNotEmpty)"
    return None


def _table_protected(name: str, props: _Properties) -> str | None:  # noqa: ARG001
    if (TABLES.current().get(name) or {}).get("DeletionProtectionEnabled"):
        return f"Table {name} is protected against deletion. To delete the table, disable deletion protection."
    return None


def _protected_in(databases: Internal, kind: str) -> _Reason:
    def protected(identifier: str, props: _Properties) -> str | None:  # noqa: ARG001
        if (databases.current().get(identifier) or {}).get("DeletionProtection"):
            return f"Cannot delete protected {kind} {identifier}, please disable deletion protection and try again."
        return None

    return protected


def _user_pool_protected(pool_id: str, props: _Properties) -> str | None:  # noqa: ARG001
    if (USER_POOLS.current().get(pool_id) or {}).get("DeletionProtection") == "ACTIVE":
        return (
            f"The user pool {pool_id} cannot be deleted because deletion protection is activated. "
            "Deletion protection must be inactivated first."
        )
    return None


def _role_in_use(name: str, props: _Properties) -> str | None:
    """Policies attached outside the template; CloudFormation itself detaches those that the template attaches."""
    role = ROLES.current().get(name)
    if not role:
        return None
    if set(role.get("AttachedPolicies") or ()) - set(props.get("ManagedPolicyArns") or ()):
        return f"Cannot delete role {name}, must detach all policies first."
    if set(role.get("InlinePolicies") or ()) - {each.get("PolicyName") for each in props.get("Policies") or ()}:
        return f"Cannot delete role {name}, must delete policies first."
    if any(name in (profile.get("Roles") or ()) for profile in INSTANCE_PROFILES.current().values()):
        return f"Cannot delete role {name}, must remove roles from instance profile first."
    return None


_REASONS: dict[str, _Reason] = {
    "AWS::S3::Bucket": _bucket_not_empty,
    "AWS::DynamoDB::Table": _table_protected,
    "AWS::DynamoDB::GlobalTable": _table_protected,
    "AWS::RDS::DBCluster": _protected_in(CLUSTERS, "Cluster"),
    "AWS::RDS::DBInstance": _protected_in(INSTANCES, "DB Instance"),
    "AWS::Cognito::UserPool": _user_pool_protected,
    "AWS::IAM::Role": _role_in_use,
}
