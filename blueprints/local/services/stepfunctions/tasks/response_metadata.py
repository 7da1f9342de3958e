"""What optimized integrations add to a result: the response's headers, status and request id."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

_USUAL_NAMES = {
    "connection": "Connection",
    "content-length": "Content-Length",
    "content-type": "Content-Type",
    "date": "Date",
    "server": "Server",
    "x-amz-executed-version": "X-Amz-Executed-Version",
    "x-amz-function-error": "X-Amz-Function-Error",
    "x-amz-log-result": "X-Amz-Log-Result",
    "x-amzn-requestid": "x-amzn-RequestId",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
}
_LEFT_OUT = ("transfer-encoding", "access-control-", "x-amz-request-id", "x-amz-id-2")


def metadata(status: int, headers: Mapping[str, str], request_id: str) -> dict[str, Any]:
    """`SdkHttpMetadata` and `SdkResponseMetadata`."""
    shown = {
        _USUAL_NAMES.get(name.lower(), name): str(value)
        for name, value in headers.items()
        if not name.lower().startswith(_LEFT_OUT)
    }
    shown["x-amzn-RequestId"] = request_id
    shown.setdefault("Date", format_datetime(datetime.now(UTC), usegmt=True))
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in shown.items()},
            "HttpHeaders": {name: shown[name] for name in sorted(shown, key=str.lower)},
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }


def metadata_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The same of what boto3 returned."""
    given = answer.get("ResponseMetadata", {})
    headers = given.get("HTTPHeaders", {})
    request_id = given.get("RequestId") or headers.get("x-amzn-requestid", "")
    return metadata(int(given.get("HTTPStatusCode", 200)), headers, str(request_id))
