"""AWS Secrets Manager: a request may name a secret by name; policies name it by its ARN with a random suffix.

Source: Service Authorization Reference, "AWS Secrets Manager".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.needs import any_resource, by_operation

RESOLVE = Internal("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope"))

_PARAMETERS = (
    "Description",
    "KmsKeyId",
    "Name",
    "RecoveryWindowInDays",
    "RotationLambdaARN",
    "SecretId",
    "VersionId",
    "VersionStage",
)
"""Parameters that are condition keys of the same name."""
_FLAGS = {"ForceDeleteWithoutRecovery": "false", "BlockPublicPolicy": "false"}
_WITHOUT_RESOURCE = ("BatchGetSecretValue", "GetRandomPassword", "ListSecrets")

_on_everything = by_operation("secretsmanager", {}, default=any_resource)


def _authorizations(call: Call) -> list[Authorization]:
    if call.operation == "BatchGetSecretValue":
        return [*_on_everything(call), *_each_of_batch(call)]
    if call.operation in _WITHOUT_RESOURCE:
        return _on_everything(call)
    named = call.text("SecretId", "Name")
    return [_on_secret(call, call.operation, named)] if named else _on_everything(call)


def _each_of_batch(call: Call) -> Iterator[Authorization]:
    for named in call.texts("SecretIdList"):
        yield _on_secret(call, "GetSecretValue", named)


def _on_secret(call: Call, operation: str, named: str) -> Authorization:
    """An operation on a secret; one that does not exist has no suffix in its ARN."""
    _, secret = RESOLVE.current()(named)
    arn = secret["ARN"] if secret else call.arn(named if named.startswith("arn:") else f"secret:{named}")
    return Authorization(f"secretsmanager:{operation}", str(arn), {**_given(call), **_of_secret(secret or {})})


def _given(call: Call) -> Mapping[str, Any]:
    keys: dict[str, Any] = {}
    for name in _PARAMETERS:
        value = call.request.get(name)
        if isinstance(value, str | int):
            keys[f"secretsmanager:{name}"] = str(value)
    for name, absent in _FLAGS.items():
        keys[f"secretsmanager:{name}"] = str(call.request.get(name, absent)).lower()
    return keys


def _of_secret(secret: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of a stored secret: its tags, and the function that rotates it."""
    tags = {str(tag.get("Key")): tag.get("Value", "") for tag in secret.get("Tags") or [] if isinstance(tag, dict)}
    keys: dict[str, Any] = {f"secretsmanager:ResourceTag/{name}": value for name, value in tags.items()}
    if secret.get("RotationLambdaARN"):
        keys["secretsmanager:resource/AllowRotationLambdaArn"] = secret["RotationLambdaARN"]
    return keys


SERVICES = {"secretsmanager": _authorizations}
