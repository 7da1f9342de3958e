"""CodeDeploy runs this before a new version gets traffic: does it make renditions, and remove them?"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployment_probe import Probe, ProbeSettings, probe_image

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProbeSettings):
    """The environment variables that the template sets; `new_version` is the ARN of the version to probe."""

    new_version: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Have the new version handle an image that no other version gets."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Settings and clients are made here, so that an error in them is reported too.
        functions = client("lambda", read_timeout=65, attempts=2)
        probe(functions, client("s3"), load(Settings), f"_probe/{event['DeploymentId']}.png")

    return deployment_hooks.answer(event, context, check, logger)


def probe(functions: Any, s3: Any, settings: Settings, key: str) -> None:
    """Put an image and invoke the version with the event; remove the image and invoke it again."""
    with probe_image(key, s3, settings) as image:
        deployment_hooks.invoke(functions, settings.new_version, _event("Object Created", image))
        image.check_renditions(image.manifest())
        image.remove_image()
        deployment_hooks.invoke(functions, settings.new_version, _event("Object Deleted", image))
        image.check_tombstone(image.manifest())


def _event(kind: str, image: Probe) -> dict[str, Any]:
    """The event that EventBridge would deliver if the rule did not ignore the key."""
    stored = {"key": image.key, "size": image.bytes, "etag": image.etag, "sequencer": f"{time.time_ns():016X}"}
    return {
        "version": "0",
        "detail-type": kind,
        "source": "aws.s3",
        "time": datetime.now(UTC).isoformat(),
        "detail": {"bucket": {"name": image.settings.source_bucket}, "object": stored},
    }
