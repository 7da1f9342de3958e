"""CodeDeploy asks, after a new version got all traffic: do changes still arrive where they should?"""

import os
from typing import Any

from deployment_probe import Failed, probe_announcing, probe_replicating, report

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()
lambda_client, codedeploy = client("lambda", read_timeout=110, attempts=1), client("codedeploy")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> str:
    """Put a probe through the aliases that the stream feeds, and look whether the stream still does."""
    name = f"after-{context.aws_request_id}"

    def check() -> None:
        announce, replicate = os.environ["LIVE_ANNOUNCE_ALIAS"], os.environ["LIVE_REPLICATE_ALIAS"]
        _look_at_mappings(announce)
        probe_announcing(lambda_client, announce, name)
        if replicate:
            _look_at_mappings(replicate)
            probe_replicating(lambda_client, replicate, name)

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
