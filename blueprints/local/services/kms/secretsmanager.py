"""Secrets that are encrypted with a key of one's own: reading needs Decrypt, writing needs GenerateDataKey as well.

Source: AWS Secrets Manager User Guide, "Secret encryption and decryption".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.kms.encrypted_resources import SECRET, of_secret
from blueprints.local.services.kms.keys import ACCOUNT, REGION
from blueprints.local.services.kms.permissions import Encryption, KeyRefused, require_caller

GET = Internal("services.secretsmanager", "_get_secret_value", ("data",))
PUT = Internal("services.secretsmanager", "_put_secret_value", ("data",))
CREATE = Internal("services.secretsmanager", "_create_secret", ("data",))
ERROR = Internal("core.responses", "error_response_json")

_WRITING = ("GenerateDataKey", "Decrypt")

_Data = dict[str, Any]
_Operation = Callable[[_Data], Any]


def install() -> None:
    """Check the caller's permission on the key of a secret."""
    GET.replace(_checking(GET.current(), _of_secret, ("Decrypt",)))
    PUT.replace(_checking(PUT.current(), _of_secret, _WRITING))
    CREATE.replace(_checking(CREATE.current(), _of_new_secret, _WRITING))


def _checking(operation: _Operation, find: Callable[[_Data], Encryption | None], needed: tuple[str, ...]) -> _Operation:
    def checking(data: _Data) -> Any:
        encryption = find(data)
        if encryption:
            try:
                require_caller(encryption, *needed)
            except KeyRefused as refused:
                return _refusal(refused)
        return operation(data)

    return checking


def _of_secret(data: _Data) -> Encryption | None:
    _, secret = SECRET.current()(data.get("SecretId"))
    return of_secret(secret) if secret else None


def _of_new_secret(data: _Data) -> Encryption | None:
    if not data.get("KmsKeyId"):
        return None
    arn = f"arn:aws:secretsmanager:{REGION.current()()}:{ACCOUNT.current()()}:secret:{data.get('Name')}"
    return Encryption(data["KmsKeyId"], "secretsmanager", arn, {"SecretARN": arn})


def _refusal(refused: KeyRefused) -> Any:
    if refused.reason == "AccessDenied":
        return ERROR.current()("AccessDeniedException", f"Access to KMS is not allowed: {refused}", 400)
    return ERROR.current()("DecryptionFailure", f"Secrets Manager can't use the KMS key of the secret: {refused}", 400)
