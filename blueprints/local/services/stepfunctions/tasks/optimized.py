"""Optimized integrations: services with actions, errors and conveniences of their own.

Source: AWS Step Functions Developer Guide, "Integrating optimized services with Step Functions".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.services.stepfunctions.tasks import response_metadata
from blueprints.local.services.stepfunctions.tasks.sdk_calls import Answer, SdkOperation, operation_of
from blueprints.local.services.stepfunctions.tasks.sdk_failures import (
    ApiError,
    client_failure,
    optimized_failure,
    unknown_host,
)
from blueprints.local.services.stepfunctions.tasks.sdk_names import capitalised
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump


@dataclass(frozen=True)
class OptimizedService:
    """A service as its optimized integration names it."""

    botocore: str
    prefix: str
    """Of its errors, such as `SQS`."""
    sdk_name: str
    """In the causes of its errors, such as `AmazonSQS`."""
    base_error: str
    """The name of an error that its model does not have, such as `AmazonSQSException`."""
    actions: tuple[str, ...]
    text_fields: tuple[str, ...] = ()
    """Fields that are text in the API and may be any JSON in a state."""

    def operation(self, action: str) -> SdkOperation | None:
        """The operation of an action; None if the integration does not have it."""
        return operation_of(self.botocore, action) if action in self.actions else None

    def parameters(self, operation: SdkOperation, arguments: Any) -> dict[str, Any]:
        """Boto3's parameters, from a state's arguments. Raises UnusableArguments."""
        return operation.parameters(_with_text(arguments, self.text_fields))

    def call(self, operation: SdkOperation, client: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make the call and return its result with metadata; blocks. Raises StateFailed."""
        answer = self._answer(operation, client, parameters)
        result = {**operation.result(answer, capitalised), **response_metadata.metadata_of(answer)}
        if result.get("FailedEntryCount"):  # PutEvents succeeds although events were refused; the state does not
            raise StateFailed(f"{self.prefix}.FailedEntry", dump(result))
        return result

    def _answer(self, operation: SdkOperation, client: Any, parameters: Mapping[str, Any]) -> Answer:
        self._check_host(client, parameters)
        try:
            return operation.call(client, parameters)
        except ClientError as error:
            raise optimized_failure(
                operation.service_model, self.prefix, self.sdk_name, self.base_error, ApiError.of(error)
            ) from None
        except BotoCoreError as error:
            raise client_failure(self.prefix, error) from None

    def _check_host(self, client: Any, parameters: Mapping[str, Any]) -> None:
        """Refuse a queue on a host that is not SQS: on AWS the queue's URL is where the request goes."""
        url = parameters.get("QueueUrl")
        host = urlsplit(url).hostname if isinstance(url, str) else None
        local = (urlsplit(client.meta.endpoint_url).hostname, "localhost", "127.0.0.1")
        if host and host not in local and not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            raise unknown_host(self.prefix, str(url))


SERVICES = {
    "sqs": OptimizedService("sqs", "SQS", "AmazonSQS", "AmazonSQSException", ("sendMessage",), ("MessageBody",)),
    "sns": OptimizedService("sns", "SNS", "AmazonSNS", "AmazonSNSException", ("publish",), ("Message",)),
    "dynamodb": OptimizedService(
        "dynamodb",
        "DynamoDB",
        "AmazonDynamoDBv2",
        "AmazonDynamoDBException",
        ("getItem", "putItem", "updateItem", "deleteItem"),
    ),
    "events": OptimizedService(
        "events",
        "EventBridge",
        "AmazonCloudWatchEvents",
        "AmazonCloudWatchEventsException",
        ("putEvents",),
        ("Entries.Detail",),
    ),
    "states": OptimizedService(
        "stepfunctions",
        "StepFunctions",
        "AWSStepFunctions",
        "AWSStepFunctionsException",
        ("startExecution",),
        ("Input",),
    ),
}


def _with_text(arguments: Any, fields: tuple[str, ...]) -> Any:
    for field in fields:
        arguments = _as_text(arguments, field.split("."))
    return arguments


def _as_text(value: Any, path: list[str]) -> Any:
    """The value with the field at a path as JSON text; a list on the way stands for each of its elements."""
    if isinstance(value, list):
        return [_as_text(each, path) for each in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    inner = value[path[0]]
    if len(path) > 1:
        return {**value, path[0]: _as_text(inner, path[1:])}
    return value if isinstance(inner, str) else {**value, path[0]: dump(inner)}
