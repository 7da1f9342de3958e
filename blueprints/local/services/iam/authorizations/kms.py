"""AWS KMS: a request may name a key by id, ARN, alias or ciphertext; policies name it by its ARN.

Sources: Service Authorization Reference, "AWS Key Management Service"; KMS Developer Guide, "AWS KMS condition keys".
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

RESOLVE = Internal("services.kms", "_resolve_key", ("key_id_or_arn",))
ALIASES = Internal("services.kms", "_aliases")
KEY_OF_CIPHERTEXT = Internal("core.iam_actions", "_kms_key_id_from_ciphertext", ("ciphertext_b64",))


def _key_arn(call: Call, named: str) -> str:
    """The ARN of a key; of one that does not exist, what the request names."""
    found = RESOLVE.current()(named) if named else None
    if found:
        return str(found["Arn"])
    if not named:
        return "*"
    return call.arn(named if named.startswith(("arn:", "alias/")) else f"key/{named}")


def _key_of_ciphertext(call: Call) -> str:
    return str(KEY_OF_CIPHERTEXT.current()(call.text("CiphertextBlob")))


def _key(call: Call) -> str:
    return _key_arn(call, call.text("KeyId", "TargetKeyId") or _key_of_ciphertext(call))


def _source_key(call: Call) -> str:
    return _key_arn(call, call.text("SourceKeyId") or _key_of_ciphertext(call))


def _destination_key(call: Call) -> str:
    return _key_arn(call, call.text("DestinationKeyId"))


def _alias(call: Call) -> str:
    return call.arn(call.text("AliasName"))


def _key_of_alias(call: Call) -> str:
    return _key_arn(call, call.text("AliasName"))


def _keys(call: Call) -> Mapping[str, Any]:
    """The condition keys of a request: how it names the key, the key's aliases, the encryption context."""
    named = call.text("KeyId")
    keys: dict[str, Any] = {"kms:CallerAccount": call.account}
    if "alias/" in named:
        keys["kms:RequestAlias"] = named.rpartition(":")[2]
    found = RESOLVE.current()(named or _key_of_ciphertext(call))
    if found:
        aliases = [str(arn) for arn, key in ALIASES.current().items() if key == found.get("KeyId")]
        keys["kms:ResourceAliases"] = [arn.rpartition(":")[2] for arn in aliases]
    return {**keys, **_context(call)}


def _context(call: Call) -> Mapping[str, Any]:
    given = call.request.get("EncryptionContext")
    context = given if isinstance(given, dict) else {}
    keys: dict[str, Any] = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    return {**keys, "kms:EncryptionContextKeys": list(context)} if context else keys


_WITHOUT_RESOURCE = (
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "DeleteCustomKeyStore",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "GenerateRandom",
    "ListAliases",
    "ListKeys",
    "ListRetirableGrants",
    "UpdateCustomKeyStore",
)

_OPERATIONS: Operations = {
    **{name: (Needs(name, any_resource),) for name in _WITHOUT_RESOURCE},
    "CreateKey": (
        Needs("CreateKey", any_resource),
        Needs("TagResource", any_resource, when=lambda call: call.has("Tags")),
    ),
    "CreateAlias": (Needs("CreateAlias", _alias), Needs("CreateAlias", _key)),
    "DeleteAlias": (Needs("DeleteAlias", _alias), Needs("DeleteAlias", _key_of_alias)),
    "UpdateAlias": (
        Needs("UpdateAlias", _alias),
        Needs("UpdateAlias", _key_of_alias),
        Needs("UpdateAlias", _key),
    ),
    "ReEncrypt": (Needs("ReEncryptFrom", _source_key), Needs("ReEncryptTo", _destination_key)),
}

SERVICES = {"kms": by_operation("kms", _OPERATIONS, default=_key, keys=_keys)}
