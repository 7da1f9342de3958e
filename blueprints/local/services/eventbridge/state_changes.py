"""Sends state changes of builds and pipelines to EventBridge."""

import json
from typing import Any

from blueprints.local.base.internals import Internal

PUT = Internal("services.eventbridge", "_put_events", ("data", "allow_aws_source"))


def announce(source: str, kind: str, detail: dict[str, Any], resource: str) -> None:
    """Put one event on the account's default bus, in the account and Region of the caller's context."""
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "Resources": [resource]}
    PUT.current()({"Entries": [entry]}, allow_aws_source=True)
