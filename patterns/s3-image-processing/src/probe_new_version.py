"""CodeDeploy asks, before a new version gets traffic: does it make renditions, and remove them?"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployment_probe import Probe, ProbeSettings, image_under

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProbeSettings):
    """What the template passes as environment variables; `new_version` is the ARN of the version to probe."""

    new_version: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Have the new version settle an image that nobody else is told of."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Made here, so that a setting or a client that cannot be made is an answer too.
        functions = client("lambda", read_timeout=65, attempts=2)
        probe(functions, client("s3"), load(Settings), f"_probe/{event['DeploymentId']}.png")

    return deployment_hooks.answer(event, context, check, logger)


def probe(functions: Any, s3: Any, settings: Settings, key: str) -> None:
    """Put an image, tell the version of it, look; remove the image, tell the version, look again."""
    with image_under(key, s3, settings) as image:
        _tell(functions, settings.new_version, _event("Object Created", image))
        image.look_at_renditions(image.manifest())
        image.remove_image()
        _tell(functions, settings.new_version, _event("Object Deleted", image))
        image.look_at_tombstone(image.manifest())


def _tell(functions: Any, version: str, event: dict[str, Any]) -> None:
    answer = functions.invoke(FunctionName=version, Payload=json.dumps(event).encode())
    if answer.get("FunctionError"):
        said = json.loads(answer["Payload"].read())
        raise CheckFailed(f"{event['detail-type']}: it raised {said.get('errorType')}: {said.get('errorMessage')}")


def _event(kind: str, image: Probe) -> dict[str, Any]:
    """What EventBridge would deliver, had the rule not left the key out."""
    return {
        "version": "0",
        "detail-type": kind,
        "source": "aws.s3",
        "time": datetime.now(UTC).isoformat(),
        "detail": {
            "bucket": {"name": image.settings.source_bucket},
            "object": {
                "key": image.key,
                "size": image.bytes,
                "etag": image.etag,
                "sequencer": f"{time.time_ns():016X}",
            },
        },
    }
