"""CodeDeploy asks, after a new version got all traffic: do records still reach the lake?"""

import os
from typing import Any

from deployment_probe import probe

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.observability import Logger

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put a probe through the alias that the stream feeds, and look whether the stream still does."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Made here, so that a setting or a client that cannot be made is an answer too.
        alias, bucket, prefix = (os.environ[name] for name in ("LIVE_ALIAS", "LAKE_BUCKET", "PREFIX"))
        functions = client("lambda", read_timeout=70, attempts=1)
        _look_at_mappings(functions, alias)
        probe(functions, client("s3"), alias, bucket, prefix, f"after-{context.aws_request_id}")

    return deployment_hooks.answer(event, context, check, logger)


def _look_at_mappings(functions: Any, alias: str) -> None:
    mappings = functions.list_event_source_mappings(FunctionName=alias)["EventSourceMappings"]
    if not mappings:
        raise CheckFailed("no event source mapping feeds the alias")
    for mapping in mappings:
        if mapping["State"] in ("Disabled", "Disabling", "Deleting"):
            raise CheckFailed(f"event source mapping {mapping['UUID']} is {mapping['State']}")
        if str(mapping.get("LastProcessingResult", "")).startswith("PROBLEM"):
            raise CheckFailed(f"event source mapping {mapping['UUID']}: {mapping['LastProcessingResult']}")
