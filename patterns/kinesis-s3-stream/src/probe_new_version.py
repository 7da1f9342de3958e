"""CodeDeploy asks, before a new version gets traffic: does it work?"""

import os
from typing import Any

from deployment_probe import probe

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put a probe through the new version."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Made here, so that a setting or a client that cannot be made is an answer too.
        version, bucket, prefix = (os.environ[name] for name in ("NEW_VERSION", "LAKE_BUCKET", "PREFIX"))
        functions = client("lambda", read_timeout=70, attempts=1)
        probe(functions, client("s3"), version, bucket, prefix, f"before-{context.aws_request_id}")

    return deployment_hooks.answer(event, context, check, logger)
