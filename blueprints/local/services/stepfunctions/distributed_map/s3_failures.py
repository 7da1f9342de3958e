"""Errors of S3 in the words of the AWS SDK with which Step Functions calls it."""

from botocore.exceptions import ClientError


def as_aws_sdk_says(error: ClientError) -> str:
    """The message of an error, such as `Access Denied (Service: Amazon S3; Status Code: 403; …)`."""
    details = error.response.get("Error", {})
    code = details.get("Code", "Unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return _message(details.get("Message") or code, status, code)


def access_denied() -> str:
    """The message of a request that S3 denies."""
    return _message("Access Denied", 403, "AccessDenied")


def _message(text: str, status: int, code: str) -> str:
    return f"{text} (Service: Amazon S3; Status Code: {status}; Error Code: {code})"
