"""CodeDeploy runs this after a new version got all traffic: do images that users put become renditions?"""

import time
from collections.abc import Callable
from typing import Any

from deployment_probe import Probe, ProbeSettings, probe_image
from rendition_store import Manifest

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()

_RESERVED_FOR_REMOVAL = 15  # seconds of the check's time
_POLL_INTERVAL = 0.5  # seconds


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put an image as a user does; check that its renditions appear, and disappear when it is removed."""

    def check(time_left: deployment_hooks.TimeLeft) -> None:
        settings = load(ProbeSettings)
        with probe_image(f"_check/{event['DeploymentId']}.png", client("s3"), settings) as image:
            image.check_renditions(_wait(image, lambda manifest: manifest is not None, time_left))
            image.remove_image()
            image.check_tombstone(_wait(image, _is_deleted, time_left))

    return deployment_hooks.answer(event, context, check, logger)


def _is_deleted(manifest: Manifest | None) -> bool:
    return manifest is not None and manifest.state == "deleted"


def _wait(
    image: Probe, until: Callable[[Manifest | None], bool], time_left: deployment_hooks.TimeLeft
) -> Manifest | None:
    """The manifest once `until` is true of it, or the one in place when time is up."""
    while not until(manifest := image.manifest()) and time_left() > _RESERVED_FOR_REMOVAL:
        time.sleep(_POLL_INTERVAL)
    return manifest
