"""Gives the base emulator shortened copies of botocore's service models, which it reads to answer a first request."""

from functools import cache
from typing import Any

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.model import ServiceModel

from blueprints.cached_models import CachedModels
from blueprints.local.base.internals import Internal

SERVICE_MODEL = Internal("core.responses", "_service_model", ("service",))
BOTOCORE_NAMES = Internal("core.responses", "_BOTOCORE_NAME")
MODEL_AS_JSON = Internal("core.iam_actions", "_load_botocore_model", ("botocore_service",))


def install() -> None:
    """Replace both ways in which the base emulator reads models."""
    SERVICE_MODEL.replace(cache(_service_model))
    MODEL_AS_JSON.replace(_model_as_json)


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
