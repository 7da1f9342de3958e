"""What both deployment hooks do: put a probe through the functions, and look at what they answer.

A probe is one change of an item that no table has. Replicating it writes a row to the database and reads it back, in a
transaction that is rolled back; announcing it sends it like any other, with the type of a change of the table `_probe`.
"""

import json
from typing import Any

from blueprints_shared.deployment_hooks import CheckFailed

__all__ = ["probe_announcing", "probe_replicating"]


def probe_replicating(lambda_client: Any, function: str, name: str) -> None:
    """Have `function` (an ARN of a version or an alias) rehearse a write. Raises CheckFailed."""
    said = _invoke(lambda_client, function, {"probe": name, "Records": [_record(name)]})
    rows = said.get("rehearsed") or []
    if said.get("rejected") != 0 or len(rows) != 1 or rows[0][1] != "present":
        raise CheckFailed(f"the row of the probe was not there: {json.dumps(said)[:200]}")


def probe_announcing(lambda_client: Any, function: str, name: str) -> None:
    """Have `function` (an ARN of a version or an alias) announce the probe. Raises CheckFailed."""
    said = _invoke(lambda_client, function, {"probe": name, "Records": [_record(name)]})
    if (said.get("announced"), said.get("rejected")) != (1, 0):
        raise CheckFailed(f"the probe was not announced: {json.dumps(said)[:200]}")


def _record(name: str) -> dict[str, Any]:
    key = {"pk": {"S": f"_probe/{name}"}, "sk": {"S": "_probe"}}
    return {
        "eventID": f"probe-{name}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:::table/_probe/stream/0000-00-00",
        "dynamodb": {
            "ApproximateCreationDateTime": 0,
            "Keys": key,
            "NewImage": {**key, "number": {"N": "12345678901234567890123456789012345678"}},
            "SequenceNumber": "1",
        },
    }


def _invoke(lambda_client: Any, function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = lambda_client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CheckFailed(f"it raised {said.get('errorType')}: {said.get('errorMessage')}")
    if not isinstance(said, dict):
        raise CheckFailed(f"it answered {json.dumps(said)[:200]}")
    return said
