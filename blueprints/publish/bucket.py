"""The artifact bucket, from which the repository reads the content of versions.

An object's key is the SHA-256 digest of its content.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.stacks.calls import call
from blueprints.stacks.client import Stacks
from blueprints.stacks.stack import outputs_of

STACK = "serverless-blueprints-artifacts"
"""The stack of sar/artifact-bucket.yaml, whose bucket is used if none is named."""

_EXISTS = {"PreconditionFailed", "412"}


class Bucket:
    """An S3 bucket in the repository's Region."""

    def __init__(self, s3: Any, name: str) -> None:
        self._s3 = s3
        self.name = name

    def has(self, key: str) -> bool:
        """Whether an object exists."""

        def head(**arguments: Any) -> bool:
            try:
                self._s3.head_object(**arguments)
            except ClientError as error:
                if str(error.response["Error"].get("Code")) in ("404", "NoSuchKey", "NotFound"):
                    return False
                raise
            return True

        return bool(call(head, "HeadObject", f"s3://{self.name}/{key}", Bucket=self.name, Key=key))

    def put(self, key: str, sha256: str, read: Callable[[], bytes]) -> None:
        """Upload content if the object does not exist. Raises BlueprintError if its digest is not `sha256`."""
        content = read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlueprintError(f"{key} has changed since the plan was made.", advice="Publish again.")

        def put(**arguments: Any) -> None:
            try:
                self._s3.put_object(**arguments)
            except ClientError as error:
                if str(error.response["Error"].get("Code")) not in _EXISTS:
                    raise

        place = f"s3://{self.name}/{key}"
        call(put, "PutObject", place, Bucket=self.name, Key=key, Body=content, IfNoneMatch="*")

    def url(self, key: str) -> str:
        """The URL under which the repository reads an object."""
        return f"https://{self.name}.s3.{self._s3.meta.region_name}.amazonaws.com/{key}"


def artifact_bucket(client: Callable[[str], Any]) -> Bucket:
    """The bucket of the account's stack STACK. Raises BlueprintError if there is none."""
    outputs = outputs_of(Stacks(client).find(STACK) or {})
    if "ArtifactBucket" not in outputs:
        raise BlueprintError(
            "There is no artifact bucket, which publishing needs.",
            where=f"stack {STACK}",
            advice=f"aws cloudformation deploy --template-file sar/artifact-bucket.yaml --stack-name {STACK}\n"
            "  or give --bucket NAME, a bucket that the Serverless Application Repository can read.",
        )
    return Bucket(client("s3"), outputs["ArtifactBucket"])
