"""The bucket that versions are made out of: content under its own SHA-256, uploaded when it is not there."""

import hashlib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.stacks.calls import call
from blueprints.stacks.client import Stacks
from blueprints.stacks.stack import outputs_of

STACK = "serverless-blueprints-artifacts"
"""The stack of sar/artifact-bucket.yaml, unless a bucket is named."""

_THERE = {"PreconditionFailed", "412"}


class Bucket:
    """An S3 bucket in the repository's Region."""

    def __init__(self, s3: Any, name: str) -> None:
        self._s3 = s3
        self.name = name

    def has(self, key: str) -> bool:
        """Whether content is there already."""

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
        """Upload content unless someone has; what no longer has the planned digest is never sent."""
        content = read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlueprintError(f"{key} has changed since the plan was made.", advice="Publish again.")

        def put(**arguments: Any) -> None:
            try:
                self._s3.put_object(**arguments)
            except ClientError as error:
                if str(error.response["Error"].get("Code")) not in _THERE:
                    raise

        place = f"s3://{self.name}/{key}"
        call(put, "PutObject", place, Bucket=self.name, Key=key, Body=content, IfNoneMatch="*")

    def url(self, key: str) -> str:
        """Where the repository finds content."""
        return f"https://{self.name}.s3.{self._s3.meta.region_name}.amazonaws.com/{key}"


def of_stack(client: Callable[[str], Any]) -> Bucket:
    """The bucket of the account's artifact stack. Raises BlueprintError if there is none."""
    outputs = outputs_of(Stacks(client).find(STACK) or {})
    if "ArtifactBucket" not in outputs:
        raise BlueprintError(
            "There is no bucket to publish out of.",
            where=f"stack {STACK}",
            advice=f"aws cloudformation deploy --template-file sar/artifact-bucket.yaml --stack-name {STACK}\n"
            "  or name a bucket that the Serverless Application Repository may read with --bucket.",
        )
    return Bucket(client("s3"), outputs["ArtifactBucket"])
