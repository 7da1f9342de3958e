"""CodeDeploy asks, after a new version got all traffic: does the alias write messages?"""

from typing import Any

from deployment_probe import Settings, probe

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Have the live version write a message that is not sent."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        probe(client("lambda", read_timeout=65, attempts=1), load(Settings))

    return deployment_hooks.answer(event, context, check, logger)
