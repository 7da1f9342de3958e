"""CodeDeploy asks, after a new version got all traffic: do records still reach the lake?"""

import os
from typing import Any

from deployment_probe import Failed, probe, report

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()
lambda_client, s3, codedeploy = client("lambda", read_timeout=70, attempts=1), client("s3"), client("codedeploy")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> str:
    """Put a probe through the alias that the stream feeds, and look whether the stream still does."""
    alias, bucket, prefix = (os.environ[name] for name in ("LIVE_ALIAS", "LAKE_BUCKET", "PREFIX"))

    def check() -> None:
        _look_at_mappings(alias)
        probe(lambda_client, s3, alias, bucket, prefix, f"after-{context.aws_request_id}")

    return report(codedeploy, event, check, logger)


def _look_at_mappings(alias: str) -> None:
    mappings = lambda_client.list_event_source_mappings(FunctionName=alias)["EventSourceMappings"]
    if not mappings:
        raise Failed("no event source mapping feeds the alias")
    for mapping in mappings:
        if mapping["State"] in ("Disabled", "Disabling", "Deleting"):
            raise Failed(f"event source mapping {mapping['UUID']} is {mapping['State']}")
        if str(mapping.get("LastProcessingResult", "")).startswith("PROBLEM"):
            raise Failed(f"event source mapping {mapping['UUID']}: {mapping['LastProcessingResult']}")
