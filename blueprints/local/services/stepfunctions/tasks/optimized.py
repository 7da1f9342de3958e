"""Optimized integrations: services with actions, errors and conveniences of their own.

Source: AWS Step Functions Developer Guide, "Integrating optimized services with Step Functions".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from blueprints.local.services.stepfunctions.tasks import response_metadata
from blueprints.local.services.stepfunctions.tasks.integrations import (
    CALLBACK,
    REQUEST_RESPONSE,
    RUN_A_JOB,
    RUN_A_JOB_2,
)
from blueprints.local.services.stepfunctions.tasks.sdk_calls import Answer, SdkOperation, operation_of
from blueprints.local.services.stepfunctions.tasks.sdk_failures import (
    ApiError,
    client_failure,
    invalid,
    optimized_failure,
    unknown_host,
)
from blueprints.local.services.stepfunctions.tasks.sdk_values import OPTIMIZED_FORM
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

_CALL = (REQUEST_RESPONSE,)
_CALL_OR_TOKEN = (REQUEST_RESPONSE, CALLBACK)
_CALL_OR_JOB = (REQUEST_RESPONSE, RUN_A_JOB)


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
    actions: Mapping[str, tuple[str, ...]]
    """The patterns that each action has."""

    def operation(self, action: str) -> SdkOperation | None:
        """The operation of an action; None if the integration does not have it."""
        return operation_of(self.botocore, action) if action in self.actions else None

    def model_operation(self, action: str) -> SdkOperation:
        """Any operation of the service's API, such as the one that describes a job."""
        operation = operation_of(self.botocore, action)
        if operation is None:
            raise LookupError(f"{self.botocore} has no operation {action}")
        return operation

    def call(self, operation: SdkOperation, client: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make the call and return its result with metadata; blocks. Raises StateFailed."""
        answer = self.answer(operation, client, parameters)
        result = operation.result(answer, OPTIMIZED_FORM)
        if result.get("FailedEntryCount"):  # PutEvents succeeds although events were refused; the state does not
            raise StateFailed(f"{self.prefix}.FailedEntry", dump(result))
        result.update(response_metadata.metadata_of(answer))
        return {name: result[name] for name in sorted(result)}

    def answer(self, operation: SdkOperation, client: Any, parameters: Mapping[str, Any]) -> Answer:
        """Make the call and return what boto3 returns; blocks. Raises StateFailed."""
        self._check_host(client, parameters)
        try:
            return operation.call(client, parameters)
        except ClientError as error:
            raise self._failure(operation, ApiError.of(error)) from None
        except ParamValidationError as error:
            raise self._failure(operation, invalid(error)) from None
        except BotoCoreError as error:
            raise client_failure(self.prefix, error) from None

    def _failure(self, operation: SdkOperation, error: ApiError) -> StateFailed:
        return optimized_failure(operation.service_model, self.prefix, self.sdk_name, self.base_error, error)

    def _check_host(self, client: Any, parameters: Mapping[str, Any]) -> None:
        """Refuse a queue on a host that is not SQS: on AWS the queue's URL is where the request goes."""
        url = parameters.get("QueueUrl")
        host = urlsplit(url).hostname if isinstance(url, str) else None
        local = (urlsplit(client.meta.endpoint_url).hostname, "localhost", "127.0.0.1")
        if host and host not in local and not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            raise unknown_host(self.prefix, str(url))


SERVICES = {
    "athena": OptimizedService(
        "athena",
        "Athena",
        "AmazonAthena",
        "AmazonAthenaException",
        {
            "startQueryExecution": _CALL_OR_JOB,
            "stopQueryExecution": _CALL,
            "getQueryExecution": _CALL,
            "getQueryResults": _CALL,
        },
    ),
    "codebuild": OptimizedService(
        "codebuild",
        "CodeBuild",
        "AWSCodeBuild",
        "AWSCodeBuildException",
        {
            "startBuild": _CALL_OR_JOB,
            "stopBuild": _CALL,
            "batchDeleteBuilds": _CALL,
            "batchGetReports": _CALL,
        },
    ),
    "dynamodb": OptimizedService(
        "dynamodb",
        "DynamoDB",
        "AmazonDynamoDBv2",
        "AmazonDynamoDBException",
        {"getItem": _CALL, "putItem": _CALL, "updateItem": _CALL, "deleteItem": _CALL},
    ),
    "events": OptimizedService(
        "events",
        "EventBridge",
        "AmazonCloudWatchEvents",
        "AmazonCloudWatchEventsException",
        {"putEvents": _CALL_OR_TOKEN},
    ),
    "glue": OptimizedService("glue", "Glue", "AWSGlue", "AWSGlueException", {"startJobRun": _CALL_OR_JOB}),
    "sns": OptimizedService("sns", "SNS", "AmazonSNS", "AmazonSNSException", {"publish": _CALL_OR_TOKEN}),
    "sqs": OptimizedService("sqs", "SQS", "AmazonSQS", "AmazonSQSException", {"sendMessage": _CALL_OR_TOKEN}),
    "states": OptimizedService(
        "stepfunctions",
        "StepFunctions",
        "AWSStepFunctions",
        "AWSStepFunctionsException",
        {"startExecution": (REQUEST_RESPONSE, RUN_A_JOB, RUN_A_JOB_2, CALLBACK)},
    ),
}

NOT_EMULATED = {
    "batch": ("submitJob",),
    "bedrock": ("invokeModel", "createModelCustomizationJob"),
    "databrew": ("startJobRun",),
    "ecs": ("runTask",),
    "eks": (
        "call",
        "createCluster",
        "createFargateProfile",
        "createNodegroup",
        "deleteCluster",
        "deleteFargateProfile",
        "deleteNodegroup",
        "runJob",
    ),
    "elasticmapreduce": (
        "addStep",
        "cancelStep",
        "createCluster",
        "modifyInstanceFleetByName",
        "modifyInstanceGroupByName",
        "setClusterTerminationProtection",
        "terminateCluster",
    ),
    "emr-containers": ("createVirtualCluster", "deleteVirtualCluster", "startJobRun"),
    "emr-serverless": (
        "cancelJobRun",
        "createApplication",
        "deleteApplication",
        "startApplication",
        "startJobRun",
        "stopApplication",
    ),
    "mediaconvert": ("createJob",),
    "sagemaker": (
        "createEndpoint",
        "createEndpointConfig",
        "createHyperParameterTuningJob",
        "createLabelingJob",
        "createModel",
        "createProcessingJob",
        "createTrainingJob",
        "createTransformJob",
        "updateEndpoint",
    ),
}
"""Integrations of AWS whose work does not run here: containers, clusters and models. Their tasks fail."""
