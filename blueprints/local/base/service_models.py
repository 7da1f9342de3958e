"""Gives the base emulator shortened copies of botocore's service models, which it reads to answer a first request.

For a request to an AWS service that it does not emulate, the base emulator would read the models of all 400 services
to find out that there is such a service, and answer no other request for seconds. Most have the service's own name.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.model import ServiceModel

from blueprints.cached_models import CachedModels
from blueprints.local.base.internals import Internal

SERVICE_MODEL = Internal("core.responses", "_service_model", ("service",))
BOTOCORE_NAMES = Internal("core.responses", "_BOTOCORE_NAME")
IS_AWS_SERVICE_NAME = Internal("core.router", "_is_aws_service_name", ("scope_name",))
MODEL_AS_JSON = Internal("core.iam_actions", "_load_botocore_model", ("botocore_service",))


def install() -> None:
    """Replace the ways in which the base emulator reads models."""
    SERVICE_MODEL.replace(cache(_service_model))
    MODEL_AS_JSON.replace(_model_as_json)
    IS_AWS_SERVICE_NAME.replace(knows_service_name(IS_AWS_SERVICE_NAME.current()))


def _service_model(service: str) -> ServiceModel | None:
    """The model of a service by the base emulator's name of it; None if botocore has none."""
    name = BOTOCORE_NAMES.current().get(service, service)
    model = _model_as_json(name)
    return ServiceModel(model, name) if model else None


@cache
def _model_as_json(botocore_service: str) -> dict[str, Any]:
    """The newest model of a service; empty if botocore has none."""
    try:
        model: dict[str, Any] = CachedModels().load_service_model(botocore_service, "service-2")
    except (DataNotFoundError, UnknownServiceError):
        return {}
    return model


@cache
def model_of(botocore_service: str) -> ServiceModel:
    """The newest model of a service by botocore's name of it. Raises UnknownServiceError."""
    return ServiceModel(CachedModels().load_service_model(botocore_service, "service-2"), botocore_service)


@cache
def service_names() -> frozenset[str]:
    """Botocore's names of all services that it has a model of."""
    return frozenset(CachedModels().list_available_services("service-2"))


def knows_service_name(read_all_models: Callable[[str], bool]) -> Callable[[str], bool]:
    """A function that tells whether a request's signature names an AWS service.

    It compares with the names of botocore's services. Only about another name, which may be a signing name, it asks
    `read_all_models`.
    """

    def is_aws_service_name(scope_name: str) -> bool:
        return scope_name in service_names() or read_all_models(scope_name)

    return is_aws_service_name
