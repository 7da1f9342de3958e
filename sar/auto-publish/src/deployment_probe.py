"""What both deployment hooks do: have the function write a message about a run that there never was, and look at it.

It is not sent. On the way there the function has read its settings, made its clients and asked CodePipeline, with its
own permissions.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from run_story import PROBE

from blueprints_shared.deployment_hooks import CheckFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template passes to a hook."""

    function_arn: str
    """The version, or the alias, that is to write."""
    pipeline: str


def probe(functions: Any, settings: Settings) -> None:
    """Have the function write; raises CheckFailed when what it wrote is not what it should be."""
    event = event_of(settings.pipeline, settings.function_arn.split(":")[3])
    answer = functions.invoke(FunctionName=settings.function_arn, Payload=json.dumps(event).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CheckFailed(f"it raised {said.get('errorType')}: {said.get('errorMessage')}")
    message = f"{said.get('subject', '')}\n{said.get('body', '')}"
    if said.get("sent") is not False or settings.pipeline[:60] not in message:
        raise CheckFailed(f"it answered a probe with {json.dumps(said)[:300]}")


def event_of(pipeline: str, region: str) -> dict[str, Any]:
    """What EventBridge delivers when a run succeeded, but for its source."""
    return {
        "version": "0",
        "source": PROBE,
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "region": region,
        "time": datetime.now(UTC).isoformat(),
        "detail": {"pipeline": pipeline, "execution-id": str(uuid.uuid4()), "state": "SUCCEEDED", "version": 1.0},
    }
