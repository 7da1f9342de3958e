"""CodeDeploy hook after new versions got all traffic: does the stream still reach them, and do they handle a change?"""

import os
from typing import Any

from deployment_probe import probe

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the event source mappings of both aliases, and probe the aliases."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Read and created here, so that a missing setting is reported to CodeDeploy too.
        announce, replicate = os.environ["LIVE_ANNOUNCE_ALIAS"], os.environ["LIVE_REPLICATE_ALIAS"]
        functions = client("lambda", read_timeout=110, attempts=1)
        for alias in filter(None, (announce, replicate)):
            deployment_hooks.check_event_source_mappings(functions, alias)
        probe(functions, announce, replicate, f"after-{context.aws_request_id}")

    return deployment_hooks.answer(event, context, check, logger)
