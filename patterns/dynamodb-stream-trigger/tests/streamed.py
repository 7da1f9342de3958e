"""A table whose changes become the stream records that Lambda delivers."""

import itertools
from typing import Any

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/shop/stream/2026-11-01T10:00:00.000"
LATER_STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/shop/stream/2026-11-20T10:00:00.000"
BY_TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class StreamedTable:
    """Applies changes, and returns the record of each."""

    def __init__(self, stream: str = STREAM, start: int = 100_000_000_000_000_000_000_001) -> None:
        self.stream = stream
        self.items: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(start)

    def put(self, name: str, **attributes: Any) -> dict[str, Any]:
        """Put an item; attributes are DynamoDB's typed values."""
        old = self.items.get(name)
        new = self.items[name] = {**key(name), **attributes}
        return self._record("MODIFY" if old else "INSERT", name, NewImage=new, **({"OldImage": old} if old else {}))

    def delete(self, name: str) -> dict[str, Any]:
        """Delete an item."""
        return self._record("REMOVE", name, OldImage=self.items.pop(name, key(name)))

    def expire(self, name: str) -> dict[str, Any]:
        """Delete an item by time to live."""
        return {**self.delete(name), "userIdentity": BY_TIME_TO_LIVE}

    def _record(self, kind: str, name: str, **images: Any) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "eventID": f"{number:032x}",
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "eventSourceARN": self.stream,
            "dynamodb": {
                "ApproximateCreationDateTime": 1_790_000_000 + number % 1000,
                "Keys": key(name),
                "SequenceNumber": str(number),
                "SizeBytes": 100,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
                **images,
            },
        }


def key(name: str) -> dict[str, Any]:
    """The key of an item."""
    return {"pk": {"S": name}, "sk": {"S": "order"}}
