"""Destinations to publish to: a repository, an artifact bucket, and the account they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from blueprints.packaging.build import Package, build
from blueprints.pattern import Pattern
from blueprints.progress import Report
from blueprints.publish.bucket import Bucket, artifact_bucket
from blueprints.publish.repository import Repository
from blueprints.stacks.account import account_client


@dataclass(frozen=True)
class Destination:
    """A repository to publish to, and the bucket that versions are made from."""

    repository: Repository | None
    """None if there is no account: plans are then made against an empty repository."""
    bucket: Callable[[], Bucket | None]
    """The bucket to upload to; called only when there is something to upload."""
    local: bool = False
    """Whether it is an embedded AWS, which accepts packages without bytecode."""
    packages: Callable[[Pattern, Report], list[Package]] = lambda pattern, report: build(
        pattern, "lambda", report=report
    )
    """Builds a pattern's packages."""
    client: Callable[[str], Any] | None = None
    """Makes a boto3 client of a service; None if there is no account."""


def of_account(bucket_name: str | None) -> tuple[Destination, str | None]:
    """The account of the environment's credentials.

    Without credentials or a Region, a destination without a repository, and a sentence without its full stop on what
    is missing.
    """
    client, missing = account_client()
    if client is None:
        return Destination(None, lambda: None), missing
    return of_clients(client, bucket_name), None


def of_clients(client: Callable[[str], Any], bucket_name: str | None, *, local: bool = False) -> Destination:
    """A repository and a bucket by their boto3 clients."""

    @cache
    def bucket() -> Bucket:
        return Bucket(client("s3"), bucket_name) if bucket_name else artifact_bucket(client)

    return Destination(Repository(client("serverlessrepo")), bucket, local=local, client=client)
