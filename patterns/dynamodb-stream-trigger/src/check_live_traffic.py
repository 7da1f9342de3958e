"""CodeDeploy asks, after a new version got all traffic: do changes still arrive where they should?"""

import os
from typing import Any

from deployment_probe import probe_announcing, probe_replicating

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.observability import Logger

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put a probe through the aliases that the stream feeds, and look whether the stream still does."""
    name = f"after-{context.aws_request_id}"

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Made here, so that a setting or a client that cannot be made is an answer too.
        announce, replicate = os.environ["LIVE_ANNOUNCE_ALIAS"], os.environ["LIVE_REPLICATE_ALIAS"]
        functions = client("lambda", read_timeout=110, attempts=1)
        _look_at_mappings(functions, announce)
        probe_announcing(functions, announce, name)
        if replicate:
            _look_at_mappings(functions, replicate)
            probe_replicating(functions, replicate, name)

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
