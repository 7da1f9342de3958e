"""Calls one operation of any AWS API with the arguments of a state.

Source: AWS Step Functions Developer Guide, "Learning to use AWS service SDK integrations in Step Functions".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.model import OperationModel, ServiceModel

from blueprints.local.base.service_models import model_of
from blueprints.local.services.stepfunctions.tasks import sdk_values
from blueprints.local.services.stepfunctions.tasks.sdk_failures import ApiError, client_failure, invalid, sdk_failure
from blueprints.local.services.stepfunctions.tasks.sdk_names import botocore_service, service_prefix
from blueprints.local.services.stepfunctions.tasks.sdk_values import SDK_FORM, Form

Answer = Mapping[str, Any]
"""What boto3 returns, with `ResponseMetadata`."""

_WITHOUT_WORK: Mapping[str, tuple[str, ...]] = {
    "batch": ("SubmitJob",),
    "bedrock-agent-runtime": (),
    "bedrock-runtime": (),
    "databrew": ("StartJobRun",),
    "ecs": ("RunTask", "StartTask"),
    "emr": ("AddJobFlowSteps", "RunJobFlow"),
    "emr-containers": ("StartJobRun",),
    "emr-serverless": ("StartJobRun",),
    "mediaconvert": ("CreateJob",),
    "sagemaker": (
        "CreateAutoMLJob",
        "CreateAutoMLJobV2",
        "CreateHyperParameterTuningJob",
        "CreateLabelingJob",
        "CreateProcessingJob",
        "CreateTrainingJob",
        "CreateTransformJob",
    ),
    "sagemaker-runtime": (),
}
"""Operations that the base emulator answers although nothing runs the work that they ask for; () for all of a service.
"""
_WAITING = {("lambda", "Invoke"), ("stepfunctions", "StartSyncExecution"), ("stepfunctions", "TestState")}


@dataclass(frozen=True)
class SdkOperation:
    """One operation of one service."""

    model: OperationModel

    @property
    def service(self) -> str:
        """Botocore's name of the service."""
        return str(self.model.service_model.service_name)

    @property
    def service_model(self) -> ServiceModel:
        """Botocore's model of the service."""
        return self.model.service_model

    @property
    def waits(self) -> bool:
        """Whether a call ends only when an execution or a function does."""
        return (self.service, self.model.name) in _WAITING

    @property
    def is_emulated(self) -> bool:
        """Whether what the operation asks for is done here."""
        names = _WITHOUT_WORK.get(self.service)
        return names is None or bool(names and self.model.name not in names)

    def parameters(self, arguments: Any) -> dict[str, Any]:
        """Boto3's parameters, from a state's arguments. Raises UnusableArguments."""
        return sdk_values.to_sdk(self.model.input_shape, arguments)

    def call(self, client: Any, parameters: Mapping[str, Any]) -> Answer:
        """Make the call; blocks. Raises botocore's ClientError and BotoCoreError."""
        made: Callable[..., Answer] = getattr(client, xform_name(self.model.name))
        return made(**parameters)

    def result(self, answer: Answer, form: Form = SDK_FORM) -> dict[str, Any]:
        """The result as Step Functions gives it, without metadata; reads a streamed body, which blocks."""
        members = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        shape = self.model.output_shape
        return dict(sdk_values.to_json(shape, members, form)) if shape is not None else {}


@cache
def operation_of(service: str, action: str) -> SdkOperation | None:
    """The operation for botocore's name of a service and an action such as `listObjectsV2`; None if there is none."""
    model = model_of(service)
    names = {name.lower(): name for name in model.operation_names}
    name = names.get(action.lower())
    return SdkOperation(model.operation_model(name)) if name else None


def sdk_operation(service: str, action: str) -> SdkOperation | None:
    """The operation for a service as a Resource names it, such as `cloudwatchlogs`; None if there is none."""
    name = botocore_service(service)
    return operation_of(name, action) if name else None


def call_sdk(operation: SdkOperation, client: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Make the call of an AWS SDK integration and return its result; blocks. Raises StateFailed."""
    try:
        return operation.result(operation.call(client, parameters))
    except ClientError as error:
        raise sdk_failure(operation.service_model, ApiError.of(error)) from None
    except ParamValidationError as error:
        raise sdk_failure(operation.service_model, invalid(error)) from None
    except BotoCoreError as error:
        raise client_failure(service_prefix(operation.service_model.service_id), error) from None
