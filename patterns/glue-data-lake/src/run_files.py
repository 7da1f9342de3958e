"""The objects of runs in the lake bucket.

raw/DAY/…                           put here by whoever delivers
ledger/DAY/OBJECT/RUN               an empty object for each version of a raw object that a run has taken
runs/RUN/plan-DIGEST.json           the raw objects of a run, with their ETags
runs/RUN/curated-DIGEST.json        the counts of the job that curated them
runs/RUN/report.json                how the run ended; a run that has one is not done again
scripts/SHA256/                     the jobs' scripts
query-results/                      answers of Athena
warehouse/                          the Iceberg tables
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]{0,63}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MISSING = {"404", "NoSuchKey", "NotFound"}
_EXISTS = {"412", "PreconditionFailed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables of every function."""

    lake_bucket: str


class RunFiles:
    """The objects of one run; `s3` is an S3 client. Raises ValueError for a run id or day that is no part of a key."""

    def __init__(self, s3: Any, bucket: str, run_id: str, day: str) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(f"run id {run_id!r} is not 1 to 64 letters, digits and _ . = -")
        if not _DAY.fullmatch(day):
            raise ValueError(f"day {day!r} is not YYYY-MM-DD")
        self.s3, self.bucket, self.run_id, self.day = s3, bucket, run_id, day

    def key(self, name: str) -> str:
        """The key of a file of this run."""
        return f"runs/{self.run_id}/{name}"

    def put(self, key: str, content: bytes) -> None:
        """Write an object, unless it exists."""
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _EXISTS:
                raise

    def json(self, key: str) -> Any:
        """A JSON object of the bucket; None if there is none."""
        try:
            return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise

    def listed(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        """The objects below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            yield from page.get("Contents", ())

    def ledger_key(self, source: Mapping[str, str]) -> str:
        """The key that says that this run has taken a version of a raw object."""
        named = hashlib.sha256(f"{source['key']}\n{source['etag']}".encode()).hexdigest()[:32]
        return f"ledger/{source['key'].split('/')[1]}/{named}/{self.run_id}"


def canonical(value: Any) -> bytes:
    """JSON that is the same for equal values."""
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()
