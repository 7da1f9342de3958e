"""CodeDeploy hook before new versions get traffic: do they handle a change?"""

import os
from typing import Any

from deployment_probe import probe

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Probe both new versions, because CodeDeploy does not say which function it deploys."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Read and created here, so that a missing setting is reported to CodeDeploy too.
        announce, replicate = os.environ["NEW_ANNOUNCE_VERSION"], os.environ["NEW_REPLICATE_VERSION"]
        functions = client("lambda", read_timeout=110, attempts=1)
        probe(functions, announce, replicate, f"before-{context.aws_request_id}")

    return deployment_hooks.answer(event, context, check, logger)
