"""Fakes of S3, EventBridge, Secrets Manager and Lambda, with what the handlers use of them."""

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class S3:
    """The objects of one bucket, by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.broken = False

    def put_object(self, Bucket: str, Key: str, Body: bytes, IfMatch: str = "", **_: Any) -> dict[str, str]:
        if self.broken:
            raise ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "PutObject")
        if IfMatch:
            self._check(Key, IfMatch, "PutObject")
        self.objects[Key] = Body
        return {"ETag": _etag(Body)}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": _etag(self.objects[Key])}

    def delete_object(self, Bucket: str, Key: str, IfMatch: str) -> None:
        self._check(Key, IfMatch, "DeleteObject")
        del self.objects[Key]

    def _check(self, key: str, etag: str, operation: str) -> None:
        if key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, operation)
        if _etag(self.objects[key]) != etag:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, operation)

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}, {}]

    def contents(self) -> list[dict[str, Any]]:
        return [json.loads(content) for content in self.objects.values()]


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Events:
    """Accepts entries; `answers` has, for each call, the error code of each entry or None."""

    def __init__(self, answers: list[list[str | None]] | None = None) -> None:
        self.answers = answers or []
        self.calls: list[list[dict[str, Any]]] = []
        self.taken: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert len(Entries) <= 10
        assert sum(len(json.dumps(entry)) for entry in Entries) < 2 * 256 * 1024
        self.calls.append(Entries)
        codes = self.answers.pop(0) if self.answers else [None] * len(Entries)
        self.taken += [entry for entry, code in zip(Entries, codes, strict=True) if code is None]
        said = [{"EventId": "x"} if code is None else {"ErrorCode": code, "ErrorMessage": "no"} for code in codes]
        return {"FailedEntryCount": sum(code is not None for code in codes), "Entries": said}

    def ids(self) -> list[str]:
        return [json.loads(entry["Detail"])["id"] for entry in self.taken]


class Secrets:
    """One secret."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        self.reads += 1
        return {"SecretString": self.text}


class Functions:
    """Invokes handlers by ARN: functions of an event that return a response or raise."""

    def __init__(self, handlers: dict[str, Callable[[Any], Any]]) -> None:
        self.handlers = handlers

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert len(Payload) < 6 * 1024 * 1024
        try:
            answer = self.handlers[FunctionName](json.loads(Payload))
        except BotoCoreError:
            raise  # there is no response
        except Exception as error:  # noqa: BLE001 - what Lambda does with whatever a handler raises
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}
