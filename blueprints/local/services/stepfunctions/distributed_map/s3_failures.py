"""The messages of S3's errors, in the form that Step Functions takes over from the AWS SDK."""

import uuid

from botocore.exceptions import ClientError


def sdk_message(error: ClientError) -> str:
    """The message of an error, such as `Access Denied (Service: Amazon S3; Status Code: 403; …)`."""
    details, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code = details.get("Code", "Unknown")
    request = metadata.get("RequestId") or str(uuid.uuid4())
    return _message(
        details.get("Message") or code, metadata.get("HTTPStatusCode", 400), code, request, metadata.get("HostId", "")
    )


def access_denied_message() -> str:
    """The message of a request that S3 denies."""
    return _message("Access Denied", 403, "AccessDenied", str(uuid.uuid4()), "")


def _message(text: str, status: int, code: str, request: str, extended: str) -> str:
    return (
        f"{text} (Service: Amazon S3; Status Code: {status}; Error Code: {code}; Request ID: {request}; "
        f"S3 Extended Request ID: {extended or request}; Proxy: null)"
    )
