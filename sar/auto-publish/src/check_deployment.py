"""CodeDeploy's hooks, before and after a new version gets traffic: have the function compose a message.

The event is one of a run that does not exist, and the message is not sent. To compose it, the function reads its
settings, creates its clients and asks CodePipeline, with its own permissions.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from run_message import PROBE

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The hook's environment variables; `function_arn` is the new version, or the alias."""

    function_arn: str
    pipeline: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the version or alias that this hook's settings name."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        probe(client("lambda", read_timeout=65, attempts=1), load(Settings))

    return deployment_hooks.answer(event, context, check, logger)


def probe(functions: Any, settings: Settings) -> None:
    """Have the function compose a message; raise CheckFailed if it sends it, or if the message lacks the pipeline."""
    event = succeeded_event(settings.pipeline, settings.function_arn.split(":")[3])
    response = deployment_hooks.invoke(functions, settings.function_arn, event)
    message = f"{response.get('subject', '')}\n{response.get('body', '')}"
    if response.get("sent") is not False or settings.pipeline[:60] not in message:
        raise CheckFailed(f"it answered a probe with {json.dumps(response)[:300]}")


def succeeded_event(pipeline: str, region: str) -> dict[str, Any]:
    """EventBridge's event of a run that succeeded, with the source PROBE."""
    return {
        "version": "0",
        "source": PROBE,
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "region": region,
        "time": datetime.now(UTC).isoformat(),
        "detail": {"pipeline": pipeline, "execution-id": str(uuid.uuid4()), "state": "SUCCEEDED", "version": 1.0},
    }
