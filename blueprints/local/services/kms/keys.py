"""Finds KMS keys by id, ARN or alias, and makes the keys that AWS manages when they are first used.

Source: AWS KMS Developer Guide, "AWS managed keys" and "Key states of AWS KMS keys".
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.internals import Internal

RESOLVE = Internal("services.kms", "_resolve_key", ("key_id_or_arn",))
CREATE = Internal("services.kms", "_create_key", ("data",))
KEYS = Internal("services.kms", "_keys")
METADATA = Internal("services.kms", "_key_metadata", ("rec",))
ALIAS_ARN = Internal("services.kms", "_alias_arn", ("alias_name",))
ALIASES = Internal("services.kms", "_aliases")
STAMP_ALIAS = Internal("services.kms", "_stamp_alias", ("alias_arn", "created"))
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

_MANAGED = "alias/aws/"
_FOR_CALLERS = [
    f"kms:{each}" for each in ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "CreateGrant", "DescribeKey")
]


@dataclass(frozen=True)
class Key:
    """A KMS key as it is now."""

    arn: str
    state: str
    """`Enabled`, `Disabled`, `PendingDeletion` or another state of DescribeKey."""
    policy: str
    """The key policy, as JSON text."""
    aliases: tuple[str, ...]
    """The names of its aliases, such as `alias/photos`."""


@contextmanager
def scope_of(arn: str) -> Iterator[None]:
    """Work in the account and Region of an ARN; parts that the ARN lacks, as a bucket's, are the request's."""
    region, account = [*arn.split(":"), "", "", "", "", ""][3:5]
    with SCOPE.current()(account or ACCOUNT.current()(), region or REGION.current()()):
        yield


def find(reference: str, resource_arn: str) -> Key | None:
    """The key that a resource names by id, ARN, alias name or alias ARN; None if there is none.

    A key of AWS, such as `alias/aws/s3`, exists from its first use on.
    """
    with scope_of(reference if reference.startswith("arn:") else resource_arn):
        record = RESOLVE.current()(reference)
        if record is None:
            return None
        return Key(record["Arn"], record["KeyState"], str(record.get("Policy") or ""), _aliases_of(record["KeyId"]))


def _aliases_of(key_id: str) -> tuple[str, ...]:
    return tuple(arn.split(":", 5)[5] for arn, target in ALIASES.current().items() if target == key_id)


def _managed(reference: str) -> dict[str, Any] | None:
    """The key that AWS manages for a service, by its alias; None for another reference."""
    name = reference.split(":", 5)[-1]
    if not name.startswith(_MANAGED):
        return None
    service = name.removeprefix(_MANAGED)
    description = f"Default key that protects my {service} data when no other key is defined"
    policy = json.dumps(_managed_policy(service))
    settings = {"Description": description, "Policy": policy, "BypassPolicyLockoutSafetyCheck": True}
    _, _, created = CREATE.current()(settings)
    key_id = json.loads(created)["KeyMetadata"]["KeyId"]
    record: dict[str, Any] = KEYS.current()[key_id]
    record["KeyManager"] = "AWS"
    alias = ALIAS_ARN.current()(name)
    ALIASES.current()[alias] = key_id
    STAMP_ALIAS.current()(alias, created=True)
    return record


def _managed_policy(service: str) -> Mapping[str, Any]:
    """What the key policy of an AWS managed key allows: all callers of the account, through the service alone."""
    through = {
        "kms:CallerAccount": ACCOUNT.current()(),
        "kms:ViaService": f"{service}.{REGION.current()()}.amazonaws.com",
    }
    return {
        "Version": "2012-10-17",
        "Id": f"auto-{service}",
        "Statement": [
            {
                "Sid": "AllowAllCallersOfTheAccountThroughTheService",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": _FOR_CALLERS,
                "Resource": "*",
                "Condition": {"StringEquals": through},
            },
            {
                "Sid": "AllowTheAccountToSeeTheKey",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT.current()()}:root"},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                "Resource": "*",
            },
        ],
    }


def install() -> None:
    """Let DescribeKey say which keys AWS manages, and find such a key before another call used it."""
    metadata, resolve = METADATA.current(), RESOLVE.current()

    def with_manager(rec: dict[str, Any]) -> dict[str, Any]:
        return {**metadata(rec), "KeyManager": rec.get("KeyManager", "CUSTOMER")}

    def resolving(key_id_or_arn: str) -> dict[str, Any] | None:
        return resolve(key_id_or_arn) or (_managed(key_id_or_arn) if _MANAGED in str(key_id_or_arn) else None)

    METADATA.replace(with_manager)
    RESOLVE.replace(resolving)
