"""Kinesis streams that are encrypted with a key of KMS: writing needs GenerateDataKey, reading needs Decrypt.

Source: Amazon Kinesis Data Streams Developer Guide, "Permissions to use user-generated KMS keys".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.kms.encrypted_resources import READING, WRITING, encryption_of, of_stream
from blueprints.local.services.kms.permissions import Encryption, KeyRefused, require_caller

PUT = Internal("services.kinesis", "_put_record", ("data",))
PUT_SEVERAL = Internal("services.kinesis", "_put_records", ("data",))
GET = Internal("services.kinesis", "_get_records", ("data",))
SUBSCRIBE = Internal("services.kinesis", "_subscribe_to_shard", ("data", "is_cbor"))
START = Internal("services.kinesis", "_start_stream_encryption", ("data",))
RESOLVE = Internal("services.kinesis", "_resolve_stream", ("data",))
ITERATORS = Internal("services.kinesis", "_shard_iterators")
STREAMS = Internal("services.kinesis", "_streams")
ERROR = Internal("core.responses", "error_response_json")

_CODES = {
    "AccessDenied": "KMSAccessDeniedException",
    "Disabled": "KMSDisabledException",
    "InvalidState": "KMSInvalidStateException",
    "NotFound": "KMSNotFoundException",
}

_Data = dict[str, Any]
_Operation = Callable[..., Any]


def install() -> None:
    """Check the caller's permission on the key of a stream before records are written or read."""
    PUT.replace(_checking(PUT.current(), _of_named_stream, WRITING))
    PUT_SEVERAL.replace(_checking(PUT_SEVERAL.current(), _of_named_stream, WRITING))
    GET.replace(_checking(GET.current(), _of_iterator, READING))
    SUBSCRIBE.replace(_checking(SUBSCRIBE.current(), _of_consumer, READING))
    START.replace(_checking(START.current(), _of_named_key, WRITING))


def _checking(operation: _Operation, find: Callable[[_Data], Encryption | None], needed: tuple[str, ...]) -> _Operation:
    def checking(data: _Data, *more: Any) -> Any:
        encryption = find(data)
        if encryption:
            try:
                require_caller(encryption, *needed)
            except KeyRefused as refused:
                return ERROR.current()(_CODES[refused.reason], str(refused), 400)
        return operation(data, *more)

    return checking


def _of_named_stream(data: _Data) -> Encryption | None:
    _, stream = RESOLVE.current()(data)
    return of_stream(stream) if stream else None


def _of_iterator(data: _Data) -> Encryption | None:
    iterator = ITERATORS.current().get(data.get("ShardIterator", "")) or {}
    stream = STREAMS.current().get(iterator.get("stream", ""))
    return of_stream(stream) if stream else None


def _of_consumer(data: _Data) -> Encryption | None:
    """A consumer's ARN begins with that of its stream."""
    return encryption_of(str(data.get("ConsumerARN") or ""))


def _of_named_key(data: _Data) -> Encryption | None:
    """Starting the encryption needs the key itself: a producer's permission is tried with it."""
    _, stream = RESOLVE.current()(data)
    return of_stream({**stream, "EncryptionType": "KMS", "KeyId": data.get("KeyId")}) if stream else None
