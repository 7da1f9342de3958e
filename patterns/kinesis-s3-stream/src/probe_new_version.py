"""CodeDeploy asks, before a new version gets traffic: does it work?"""

import os
from typing import Any

from deployment_probe import probe, report

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()
lambda_client, s3, codedeploy = client("lambda", read_timeout=70, attempts=1), client("s3"), client("codedeploy")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> str:
    """Put a probe through the new version."""
    version, bucket, prefix = (os.environ[name] for name in ("NEW_VERSION", "LAKE_BUCKET", "PREFIX"))
    name = f"before-{context.aws_request_id}"
    return report(codedeploy, event, lambda: probe(lambda_client, s3, version, bucket, prefix, name), logger)
