"""CodeDeploy asks, before a new version gets traffic: does it work?"""

import os
from typing import Any

from deployment_probe import probe_announcing, probe_replicating

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put a probe through the new versions; CodeDeploy does not say which of the functions it asks about."""
    name = f"before-{context.aws_request_id}"

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Made here, so that a setting or a client that cannot be made is an answer too.
        announce, replicate = os.environ["NEW_ANNOUNCE_VERSION"], os.environ["NEW_REPLICATE_VERSION"]
        functions = client("lambda", read_timeout=110, attempts=1)
        probe_announcing(functions, announce, name)
        if replicate:
            probe_replicating(functions, replicate, name)

    return deployment_hooks.answer(event, context, check, logger)
