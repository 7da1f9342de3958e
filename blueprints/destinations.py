"""The embedded AWS as a destination to publish to."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from blueprints.folders import check_can_be_made
from blueprints.progress import Progress
from blueprints.publish.bucket import STACK, Bucket
from blueprints.publish.destinations import Destination
from blueprints.publish.repository import Repository
from blueprints.sar_rules.limits import sar_folder
from blueprints.stacks.client import Stacks

if TYPE_CHECKING:
    from blueprints.local.cloud import Cloud

STATE = Path(".blueprints", "sar")
"""Where the embedded repository keeps what was published, below the working directory."""


@contextmanager
def embedded(progress: Progress, state: Path = STATE) -> Iterator[Destination]:
    """Start an embedded AWS whose repository has what earlier runs published.

    Raises OSError if `state` cannot be written.
    """
    check_can_be_made(state.absolute())
    with progress.step("Start the embedded AWS"):
        from blueprints.local.cloud import Cloud

        cloud = Cloud(sar_folder=state.absolute())

    with cloud:
        yield of_cloud(cloud)


def of_cloud(cloud: "Cloud") -> Destination:
    """The repository of a running embedded AWS, with an artifact bucket of the template for accounts."""

    @cache
    def bucket() -> Bucket:
        template = (sar_folder() / "artifact-bucket.yaml").read_text(encoding="utf-8")
        stack = Stacks(cloud.client).deploy(STACK, template)
        return Bucket(cloud.client("s3"), stack.outputs["ArtifactBucket"])

    return Destination(Repository(cloud.client("serverlessrepo")), bucket, local=True, client=cloud.client)
