"""Errors of AWS APIs as Step Functions names and words them.

AWS SDK integrations and optimized integrations differ: the former speak as the AWS SDK for Java 2, the latter as the
one before it.
"""

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ParamValidationError
from botocore.model import ServiceModel

from blueprints.local.services.stepfunctions.tasks.sdk_names import exception_name, service_prefix
from blueprints.states_language.failures import StateFailed

# Errors that only newer models have, with which Step Functions does not answer.
_NOT_IN_THE_SDK = {("s3", "AccessDenied")}


@dataclass(frozen=True)
class ApiError:
    """An error that an API answered."""

    code: str
    message: str
    status: int
    request_id: str
    host_id: str = ""
    """S3's extended request id."""
    shape: str = ""
    """The error's name in the API's model, where that is not the code."""

    @classmethod
    def of(cls, error: ClientError) -> "ApiError":
        """The error in boto3's exception."""
        described, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        return cls(
            str(described.get("Code", "")),
            str(described.get("Message") or described.get("message") or ""),
            int(metadata.get("HTTPStatusCode", 0)),
            str(metadata.get("RequestId") or metadata.get("HTTPHeaders", {}).get("x-amzn-requestid") or uuid.uuid4()),
            str(metadata.get("HostId", "")),
            str(described.get("QueryErrorCode", "")),
        )


def invalid(error: ParamValidationError) -> ApiError:
    """What a service would answer to parameters that boto3 does not send, such as a name that is too short."""
    message = " ".join(str(error).removeprefix("Parameter validation failed:").split())
    return ApiError("ValidationException", message, 400, str(uuid.uuid4()))


def sdk_failure(model: ServiceModel, error: ApiError) -> StateFailed:
    """The failure of an AWS SDK integration: `S3.NoSuchBucketException`."""
    prefix = service_prefix(model.service_id)
    name = _modelled(model, error) or f"{prefix}Exception"
    extended = f", Extended Request ID: {error.host_id or error.request_id}" if model.service_name == "s3" else ""
    return StateFailed(
        f"{prefix}.{name}",
        f"{error.message or 'null'} (Service: {prefix}, Status Code: {error.status}, "
        f"Request ID: {error.request_id}{extended})",
    )


def optimized_failure(model: ServiceModel, prefix: str, sdk_name: str, base: str, error: ApiError) -> StateFailed:
    """The failure of an optimized integration: `DynamoDB.ResourceNotFoundException`.

    `sdk_name` is the name in the cause, such as `AmazonDynamoDBv2`; `base` the name of an error that the API's model
    does not have, such as `AmazonDynamoDBException`.
    """
    return StateFailed(
        f"{prefix}.{_modelled(model, error) or base}",
        f"{error.message or 'null'} (Service: {sdk_name}; Status Code: {error.status}; "
        f"Error Code: {error.code}; Request ID: {error.request_id}; Proxy: null)",
    )


def client_failure(prefix: str, error: BotoCoreError) -> StateFailed:
    """The failure of a call that no service answered: `SQS.SdkClientException`."""
    if isinstance(error, EndpointConnectionError):
        return unknown_host(prefix, str(error.kwargs.get("endpoint_url", "")))
    return StateFailed(f"{prefix}.SdkClientException", f"Unable to execute HTTP request: {error}")


def unknown_host(prefix: str, url: str) -> StateFailed:
    """The failure of a call to a host that does not exist."""
    host = urlsplit(url).hostname or url
    return StateFailed(
        f"{prefix}.SdkClientException", f"Unable to execute HTTP request: {host}: Name or service not known"
    )


def _modelled(model: ServiceModel, error: ApiError) -> str | None:
    code = error.shape or error.code
    if (model.service_name, code) in _NOT_IN_THE_SDK:
        return None
    shape: Any = model.shape_for_error_code(code)
    return exception_name(shape.name) if shape is not None else None
