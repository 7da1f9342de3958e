"""CodeDeploy asks, before a new version gets traffic: does it work?"""

import os
from typing import Any

from deployment_probe import probe_announcing, probe_replicating, report

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()
lambda_client, codedeploy = client("lambda", read_timeout=110, attempts=1), client("codedeploy")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> str:
    """Put a probe through the new versions; CodeDeploy does not say which of the functions it asks about."""
    name = f"before-{context.aws_request_id}"

    def check() -> None:
        probe_announcing(lambda_client, os.environ["NEW_ANNOUNCE_VERSION"], name)
        if os.environ["NEW_REPLICATE_VERSION"]:
            probe_replicating(lambda_client, os.environ["NEW_REPLICATE_VERSION"], name)

    return report(codedeploy, event, check, logger)
