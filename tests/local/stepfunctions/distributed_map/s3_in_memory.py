"""An S3 client that keeps its objects in memory."""

import io
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

LAST_MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class S3InMemory:
    """Objects of one bucket, by key. Listings come in pages of two entries."""

    def __init__(self, **objects: bytes) -> None:
        self.objects: dict[str, bytes] = dict(objects)
        self.denied: set[str] = set()
        """Operations that the role may not call."""
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def get_object(self, **parameters: Any) -> dict[str, Any]:
        self._called("GetObject", parameters)
        if parameters["Key"] not in self.objects:
            raise failure("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(self.objects[parameters["Key"]])}

    def put_object(self, **parameters: Any) -> dict[str, Any]:
        self._called("PutObject", parameters)
        self.objects[parameters["Key"]] = parameters["Body"]
        return {}

    def list_objects_v2(self, **parameters: Any) -> dict[str, Any]:
        self._called("ListObjectsV2", parameters)
        keys = sorted(key for key in self.objects if key.startswith(parameters.get("Prefix", "")))
        first = int(parameters.get("ContinuationToken", "0"))
        page = {"IsTruncated": first + 2 < len(keys), "NextContinuationToken": str(first + 2)}
        return page | {"Contents": [self._entry(key) for key in keys[first : first + 2]]}

    def _entry(self, key: str) -> dict[str, Any]:
        size = len(self.objects[key])
        return {"Key": key, "ETag": '"abc"', "LastModified": LAST_MODIFIED, "Size": size, "StorageClass": "STANDARD"}

    def _called(self, operation: str, parameters: dict[str, Any]) -> None:
        self.calls.append((operation, parameters))
        if operation in self.denied:
            raise failure(operation, "AccessDenied", "Access Denied", 403)


def failure(operation: str, code: str, message: str, status: int) -> ClientError:
    """The exception that boto3 raises."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)
