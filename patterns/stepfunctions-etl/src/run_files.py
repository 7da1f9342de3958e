"""The objects of runs in the lake bucket. All but the pointer `models/current.json` are written once.

    incoming/RUN/…                  put here by whoever delivers; `_READY` comes last and starts the run
    runs/RUN/plan-DIGEST.json       the objects of the run, with their ETags
    runs/RUN/data/PART.parquet      one for each object, with summaries/ and rejected/
    runs/RUN/parts/PART.json        written after these three: what became of the object
    runs/RUN/manifest.json          the commit: what is not named here is not part of the run
    runs/RUN/report.json            how the run ended
    models/current.json             the model in use, replaced only where nobody else has replaced it (If-Match)

A part's name follows from the object's key and ETag and the version of the code. So a repeated attempt writes the same
bytes to the same keys, which S3 refuses (If-None-Match) and this module ignores.
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

INCOMING = "incoming"
READY = "_READY"

_CURRENT = "models/current.json"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]{0,63}")
_MISSING = {"404", "NoSuchKey", "NotFound"}
_EXISTS = {"412", "PreconditionFailed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables of every function."""

    lake_bucket: str


class Overtaken(Exception):
    """Another execution has committed since this one compared: compare again."""


class RunFiles:
    """The objects of one run; `s3` is an S3 client. Raises ValueError for a run id that is no part of a key."""

    def __init__(self, s3: Any, bucket: str, run_id: str) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(
                f"run id {run_id!r} is not 1 to 64 letters, digits and _ . = -, of which the first is no sign"
            )
        self.s3, self.bucket, self.run_id = s3, bucket, run_id

    def key(self, name: str) -> str:
        """The key of a file of this run."""
        return f"runs/{self.run_id}/{name}"

    def put(self, name: str, content: Any) -> str:
        """Write a file once and return its key; `content` is bytes, or an open file."""
        key = self.key(name)
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _EXISTS:
                raise
        return key

    def put_named_by_digest(self, name: str, content: bytes) -> str:
        """Write `NAME-DIGEST.EXTENSION` once and return its key."""
        stem, _, extension = name.partition(".")
        return self.put(f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{extension}", content)

    def read(self, key: str) -> bytes | None:
        """The content of an object of the bucket; None if there is none."""
        try:
            return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise

    def read_all(self, keys: Iterable[str], at_once: int) -> Iterator[bytes | None]:
        """The contents of many objects, in order; `at_once` of them are in memory."""
        keys = list(keys)
        with ThreadPoolExecutor(at_once) as pool:
            for start in range(0, len(keys), at_once):
                yield from pool.map(self.read, keys[start : start + at_once])

    def json(self, key: str) -> Any:
        """A JSON object of the bucket; None if there is none."""
        content = self.read(key)
        return None if content is None else json.loads(content)

    def model(self, key: str) -> dict[str, Any]:
        """A model: an object, or `model.json` in the archive that SageMaker makes."""
        content = required(self.read(key))
        if key.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                file = archive.extractfile("model.json")
                content = file.read() if file else b""
        model: dict[str, Any] = json.loads(content)
        return model

    def current_model(self) -> tuple[dict[str, Any] | None, str | None]:
        """What `models/current.json` says, and its ETag; None twice if no model has been published."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=_CURRENT)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None, None
            raise
        return json.loads(answer["Body"].read()), answer["ETag"]

    def replace_current_model(self, pointer: Mapping[str, Any], etag: str | None) -> None:
        """Point to another model, if the pointer still has this ETag. Raises Overtaken if it has not."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            self.s3.put_object(Bucket=self.bucket, Key=_CURRENT, Body=canonical(pointer), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _EXISTS:
                raise Overtaken("another run has published a model") from error
            raise


def canonical(value: Any) -> bytes:
    """JSON that is the same for equal values."""
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()


def required(content: bytes | None) -> bytes:
    """The content of an object that the run has written. Raises FileNotFoundError if someone has deleted it."""
    if content is None:
        raise FileNotFoundError("an object that the run needs was deleted")
    return content
