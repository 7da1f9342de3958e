"""Batches of stream records that wait in a bucket."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints_shared.replay.invocation import NotReplayed, encode, function_name, invoke
from blueprints_shared.streams.checkpoint import sequence_number

__all__ = ["StoredBatch", "StoredBatches"]

PAYLOAD_LIMIT = 6 * 1024 * 1024 - 1  # bytes of a synchronous invocation
_FRAME = len(encode({"Records": []}))
_SECOND = len("2026-11-12T00.38.06")
_INFOS = ("KinesisBatchInfo", "DDBStreamBatchInfo")  # where Lambda describes a batch of each kind of stream


def age_of_batch(key: str) -> tuple[str, ...]:
    """What orders the keys that Lambda gives to batches: the second in which it gave the batch up."""
    return (key.rpartition("/")[2][:_SECOND],)


@dataclass
class StoredBatches:
    """The failures in a bucket, oldest first: batches that Lambda gave up, and records that a function rejected.

    `function` is the ARN of the function that handles them. It may also be a callable that returns the ARN for one
    batch, or raises NotReplayed. `prefix` and `wanted` choose among the keys; `age` orders them.

    Several people may replay at the same time, and may be interrupted at any time: an object is changed or removed only
    if it is still what was read.
    """

    s3: Any
    functions: Any
    bucket: str
    function: "str | Callable[[StoredBatch], str]"
    prefix: str = ""
    wanted: Callable[[str], bool] = lambda key: True  # noqa: ARG005
    age: Callable[[str], tuple[str, ...]] = age_of_batch
    holds: str = "record"
    total: int | None = None

    def __iter__(self) -> Generator["StoredBatch", None, None]:
        """Read each object once. Those of one second are read together, as only their content orders them."""
        keys = sorted(filter(self.wanted, self._keys()), key=self.age)
        self.total = len(keys)
        for _, some in groupby(keys, key=self.age):
            found = [batch for key in some if (batch := self._read(key))]
            yield from sorted(found, key=lambda batch: batch.start)

    def _keys(self) -> Generator[str, None, None]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for item in page.get("Contents", ()):
                yield item["Key"]

    def _read(self, key: str) -> "StoredBatch | None":
        """An object; None if another replay removed it meanwhile."""
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=key)
            body = found["Body"].read()
        except (BotoCoreError, ClientError) as error:
            if _is_gone(error):
                self.total = (self.total or 0) - 1
                return None
            return StoredBatch(self, key, "", {}, unreadable=str(error))
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = {}
        return StoredBatch(self, key, found["ETag"], content if isinstance(content, dict) else {})


class StoredBatch:
    """One object: a batch as Lambda writes it when it gives it up, or a rejected `record` with its `reason`."""

    def __init__(
        self, place: StoredBatches, key: str, etag: str, content: dict[str, Any], unreadable: str | None = None
    ) -> None:
        self._place, self._etag, self._content, self._unreadable = place, etag, content, unreadable
        self.name = key

    @property
    def start(self) -> int:
        """The first sequence number, 0 if the object does not say."""
        try:
            return int(self._info["startSequenceNumber"])
        except (KeyError, TypeError, ValueError, OverflowError):  # Python reads 1e999 as infinity
            return 0

    @property
    def invoked(self) -> str:
        """The ARN of the function that the batch was sent to; empty if the object does not say."""
        return str(self._member("requestContext").get("functionArn") or "")

    def describe(self) -> str:
        """How many records, from where, of when, for which function, and why they are here."""
        count = self.count()
        origin = f" from {self._info['startSequenceNumber']}" if self.start else ""
        arrived = self._info.get("approximateArrivalOfFirstRecord")
        time = f" of {arrived}" if arrived else ""
        reason = self._content.get("reason") or self._member("requestContext").get("condition") or "no reason given"
        records = f"{count} record{'' if count == 1 else 's'}"
        function = self._function()
        return f"{records}{origin}{time} for {function_name(function) or function} ({reason})"

    def count(self) -> int:
        """How many records it holds. Raises NotReplayed if it holds none."""
        return len(self._records())

    def replay(self) -> None:
        """Hand the records to the function until it has handled all of them, then remove the object.

        The function may stop early, or the records may need several invocations. The rest takes the object's place
        before it is tried: whatever happens meanwhile, records that were handled do not wait any more.
        """
        records, function = self._records(), self._function()
        while records:
            sent = _portion(records)
            records = records[self._handled(function, sent) :]
            if records and not self._keep(records):
                return
        self._remove()

    def _function(self) -> str:
        function = self._place.function
        return function if isinstance(function, str) else function(self)

    def _records(self) -> list[Any]:
        """The records as the function is to get them. Raises NotReplayed."""
        if self._unreadable:
            raise NotReplayed(self._unreadable)
        try:
            records = json.loads(self._content["payload"])["Records"]
        except (KeyError, TypeError, ValueError, RecursionError):
            records = [self._content["record"]] if "record" in self._content else None
        if not isinstance(records, list) or not records or ("payload" in self._content and not _are_objects(records)):
            raise NotReplayed("it holds no records, so neither Lambda nor a function of the stack wrote it; look at it")
        return records

    @property
    def _info(self) -> dict[str, Any]:
        """What Lambda wrote about the batch."""
        return next((info for name in _INFOS if (info := self._member(name))), {})

    def _member(self, name: str) -> dict[str, Any]:
        """An object in the content; empty if something else, or nothing, is in its place."""
        member = self._content.get(name)
        return member if isinstance(member, dict) else {}

    def _handled(self, function: str, records: list[Any]) -> int:
        """Invoke the function; returns how many of the records it handled, at least one. Raises NotReplayed."""
        answer = invoke(self._place.functions, function, {"Records": records})
        try:
            stopped_at = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        except (KeyError, TypeError):
            raise NotReplayed(f"the function answered {json.dumps(answer)[:200]}") from None
        if not stopped_at:
            return len(records)
        numbers = [_number(record) for record in records]
        foreign = [number for number in stopped_at if number not in numbers]
        if foreign:
            raise NotReplayed(f"the function stopped at {foreign[0]}, which is no record of the batch")
        handled = min(map(numbers.index, stopped_at))  # like Lambda, which goes on from the first that failed
        if not handled:
            raise NotReplayed(f"the function stopped at its first record, {numbers[0]}; its log says why")
        return handled

    def _keep(self, records: list[Any]) -> bool:
        """Store the records that are left in the place of the object; false if another replay removed it."""
        described = {"startSequenceNumber": _number(records[0]), "batchSize": len(records)}
        infos = {name: {**self._member(name), **described} for name in _INFOS if self._member(name)}
        content = {**self._content, **infos, "payload": json.dumps({"Records": records})}
        stored = self._change(
            self._place.s3.put_object, "handled in part, and the rest not stored", Body=json.dumps(content).encode()
        )
        if stored is None:
            return False
        self._etag, self._content = stored["ETag"], content
        return True

    def _remove(self) -> None:
        """Remove the object. One that was rejected again has been written anew, and stays."""
        self._change(self._place.s3.delete_object, "handled, but not removed")

    def _change(self, call: Callable[..., Any], otherwise: str, **given: Any) -> Any:
        """Write or delete the object if it is what was read; None if it is gone.

        Raises NotReplayed if it was written meanwhile, or if the call fails: `otherwise` says what that means.
        """
        try:
            return call(Bucket=self._place.bucket, Key=self.name, IfMatch=self._etag, **given)
        except (BotoCoreError, ClientError) as error:
            if _is_gone(error):
                return None
            if _code(error) in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
                raise NotReplayed("it was written again meanwhile; the object says why") from error
            raise NotReplayed(f"{otherwise}: {error}") from error


def _portion(records: list[Any]) -> list[Any]:
    """The first of the records, as many as one invocation takes, and one at least."""
    size, count = _FRAME, 0
    for record in records:
        size += len(encode(record)) + 1
        if count and size > PAYLOAD_LIMIT:
            break
        count += 1
    return records[:count]


def _are_objects(records: list[Any]) -> bool:
    return all(isinstance(record, dict) for record in records)


def _number(record: Any) -> str | None:
    try:
        return sequence_number(record)
    except (KeyError, TypeError):
        return None


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _is_gone(error: Exception) -> bool:
    return _code(error) in ("NoSuchKey", "404")
