"""Where can be published to: the account of the AWS credentials at hand, or the embedded AWS."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from blueprints.folders import check_can_be_made
from blueprints.publish.bucket import STACK, Bucket, of_stack
from blueprints.publish.publishing import Destination
from blueprints.publish.repository import Repository
from blueprints.sar_rules.limits import home
from blueprints.stacks.calls import RETRYING
from blueprints.steps import Steps

if TYPE_CHECKING:
    from blueprints.local.cloud import Cloud

HOW_TO_SIGN_IN = "run 'aws sso login' or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"
STATE = Path(".blueprints", "sar")
"""Where the embedded repository keeps what was published, below the working directory."""


def of_account(bucket_name: str | None) -> tuple[Destination, str | None]:
    """The account's repository; without credentials or Region none, and half a sentence on what is missing."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session()
        lacking = None if session.get_credentials() else "AWS credentials"
        lacking = lacking or (None if session.region_name else "AWS Region")
    except BotoCoreError as error:
        lacking = f"usable AWS settings ({error})"
    if lacking:
        return Destination(None, lambda: None), f"There {'is' if lacking == 'AWS Region' else 'are'} no {lacking}"
    return of_clients(lambda service: session.client(service, config=RETRYING), bucket_name), None


def of_clients(client: Callable[[str], Any], bucket_name: str | None, *, local: bool = False) -> Destination:
    """A repository and a bucket by their boto3 clients."""

    @cache
    def bucket() -> Bucket:
        s3 = client("s3")
        return Bucket(s3, bucket_name) if bucket_name else of_stack(client("cloudformation"), s3)

    return Destination(Repository(client("serverlessrepo")), bucket, local=local, client=client)


@contextmanager
def embedded(steps: Steps, state: Path = STATE) -> Iterator[Destination]:
    """The embedded repository, with what earlier runs published in it. Raises OSError when it can keep nothing."""
    check_can_be_made(state.absolute())
    with steps.step("Start the embedded AWS"):
        from blueprints.local.cloud import Cloud
        from blueprints.local.server import SAR_FOLDER

        before = os.environ.get(SAR_FOLDER)
        os.environ[SAR_FOLDER] = str(state.absolute())
        try:
            cloud = Cloud()
        finally:
            if before is None:
                del os.environ[SAR_FOLDER]
            else:
                os.environ[SAR_FOLDER] = before

    with cloud:
        yield of_cloud(cloud)


def is_on_this_machine(client: Any) -> bool:
    """Whether a client's AWS is here, and with it the processor that functions run on."""
    return urlsplit(client.meta.endpoint_url).hostname in ("127.0.0.1", "::1", "localhost")


def of_cloud(cloud: "Cloud") -> Destination:
    """The repository of a running embedded AWS, with the artifact bucket that is deployed to an account."""
    from blueprints.local.deployment import deploy

    @cache
    def bucket() -> Bucket:
        template = (home() / "artifact-bucket.yaml").read_text(encoding="utf-8")
        stack = deploy(cloud, STACK, template)
        return Bucket(cloud.client("s3"), stack.outputs["ArtifactBucket"])

    return Destination(Repository(cloud.client("serverlessrepo")), bucket, local=True, client=cloud.client)
