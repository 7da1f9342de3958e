"""CodeDeploy asks, after a new version got all traffic: do images that are put still become renditions?"""

import time
from collections.abc import Callable
from typing import Any

from deployment_probe import Probe, ProbeSettings, image_under

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()

_KEPT_FOR_REMOVAL = 15  # seconds of the check's time
_BETWEEN_LOOKS = 0.5  # seconds


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put an image as a user does, and see its renditions come and go."""

    def check(time_left: deployment_hooks.TimeLeft) -> None:
        settings = load(ProbeSettings)
        watch(client("s3"), settings, f"_check/{event['DeploymentId']}.png", time_left)

    return deployment_hooks.answer(event, context, check, logger)


def watch(s3: Any, settings: ProbeSettings, key: str, time_left: deployment_hooks.TimeLeft) -> None:
    """Put an image and wait for its renditions; remove it and wait for its tombstone."""
    with image_under(key, s3, settings) as image:
        image.look_at_renditions(_wait(image, lambda found: found is not None, time_left))
        image.remove_image()
        image.look_at_tombstone(_wait(image, lambda found: bool(found) and found["state"] == "deleted", time_left))


def _wait(image: Probe, until: Callable[[Any], bool], time_left: deployment_hooks.TimeLeft) -> dict[str, Any] | None:
    """The manifest that was waited for, or the one in place when time is up."""
    while not until(found := image.manifest()) and time_left() > _KEPT_FOR_REMOVAL:
        time.sleep(_BETWEEN_LOOKS)
    return found
