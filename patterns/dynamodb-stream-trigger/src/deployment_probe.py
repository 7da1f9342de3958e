"""The check that both deployment hooks make: the functions handle a change of an item that no table has.

Replicate writes a row and reads it back, in a transaction that is rolled back. Announce sends the change like any
other; receivers recognise it by its table, `_probe`.
"""

import json
from typing import Any

from blueprints_shared.deployment_hooks import CheckFailed, invoke

__all__ = ["probe"]


def probe(functions: Any, announce: str, replicate: str, name: str) -> None:
    """Invoke both functions (ARNs of versions or aliases; `replicate` may be empty) with the change `name`.

    `functions` is a Lambda client. Raises CheckFailed if a function fails or does not handle the change.
    """
    event = {"probe": name, "Records": [_record(name)]}
    result = invoke(functions, announce, event)
    if (result.get("announced"), result.get("rejected")) != (1, 0):
        raise CheckFailed(f"the probe was not announced: {json.dumps(result)[:200]}")
    if not replicate:
        return
    result = invoke(functions, replicate, event)
    rows = result.get("rehearsed") or []
    if result.get("rejected") != 0 or len(rows) != 1 or rows[0][1] != "present":
        raise CheckFailed(f"the row of the probe was not there: {json.dumps(result)[:200]}")


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
