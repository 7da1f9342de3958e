"""The IAM action of a request to Lambda: its operation by botocore's model, except where IAM has another name.

The base emulator judges reading, changing and deleting an alias as ListAliases, and others likewise.
Source: AWS Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
"""

import re
from collections.abc import Callable
from functools import cache

import botocore.loaders
from botocore.model import ServiceModel

from blueprints.local.base.internals import Internal

ACTION = Internal("core.iam_actions", "_lambda_action", ("method", "path"))

_OTHER_NAMES = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}


def install() -> None:
    """Ask botocore's model first; a request that it does not have is left to the base emulator."""
    original: Callable[[str, str], str | None] = ACTION.current()
    ACTION.replace(lambda method, path: action_of(method, path) or original(method, path))


def action_of(method: str, path: str) -> str | None:
    """The action without its prefix, such as `UpdateAlias`, or None for a path that Lambda does not have."""
    if path.endswith("/invocations"):  # the frequent one, without loading the model
        return "InvokeFunction"
    for verb, pattern, operation in _routes():
        if verb == method and pattern.fullmatch(path.rstrip("/")):
            return _OTHER_NAMES.get(operation, operation)
    return None


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    """Method, pattern of the path and operation; those with fewer parameters first."""
    model = ServiceModel(botocore.loaders.Loader().load_service_model("lambda", "service-2"), "lambda")
    routes = [(name, model.operation_model(name).http) for name in model.operation_names]
    routes.sort(key=lambda route: (route[1]["requestUri"].count("{"), "?" in route[1]["requestUri"]))
    return [
        (
            http["method"],
            re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(http["requestUri"].split("?")[0].rstrip("/")))),
            name,
        )
        for name, http in routes
    ]
