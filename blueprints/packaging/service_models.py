"""Shortened copies of botocore's service models, with only what a running handler reads.

A client reads three JSON files of botocore when it is created: the model of its service, the rules for its endpoints,
and the endpoints of all services. Finding them among the folders of 400 services and parsing them is a large part of a
cold start. The wheel of the shared package carries copies without documentation and without the endpoints of other
services; `blueprints_shared.clients` reads those if they exist.

They are made when the wheel is built, from the botocore that the tools are pinned to; the repository has none.
"""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = "service_models"
"""Their folder in the package `blueprints_shared`."""

SERVICES = (
    "codedeploy",
    "dynamodb",
    "events",
    "lambda",
    "rds-data",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "stepfunctions",
)
"""The services that get a copy; a client of any other reads botocore's own files."""

_TYPES = ("service-2", "endpoint-rule-set-1")
_NOTICE = """\
The files in this folder are shortened copies of data in botocore {version} (https://github.com/boto/botocore),
Copyright Amazon.com, Inc. or its affiliates, under the Apache License, Version 2.0
(https://www.apache.org/licenses/LICENSE-2.0). Documentation and the endpoints of other services are left out.
"""


def version() -> str:
    """A text that changes with the files: botocore's `__init__.py`, which has its version, and this module."""
    found = find_spec("botocore")
    assert found
    assert found.origin
    return "".join(Path(each).read_text(encoding="utf-8") for each in (found.origin, __file__))


@cache
def files() -> dict[str, bytes]:
    """The content of every file, by its path below `service_models/`."""
    import botocore
    from botocore.loaders import Loader

    loader = Loader()
    models = {
        f"{service}/{kind}.json": without_documentation(loader.load_service_model(service, kind))
        for service in SERVICES
        for kind in _TYPES
    }
    prefixes = {models[f"{service}/service-2.json"]["metadata"]["endpointPrefix"] for service in SERVICES}
    models["endpoints.json"] = _of_services(loader.load_data("endpoints"), prefixes)
    texts = {path: json.dumps(model, separators=(",", ":")) for path, model in models.items()}
    texts["NOTICE"] = _NOTICE.format(version=botocore.__version__)
    return {path: text.encode() for path, text in texts.items()}


def without_documentation(value: Any) -> Any:
    """Empty the documentation, but keep its key, which botocore reads. A member of that name is not a string."""
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(each, str) else without_documentation(each)
            for name, each in value.items()
        }
    return [without_documentation(each) for each in value] if isinstance(value, list) else value


def _of_services(endpoints: dict[str, Any], prefixes: set[str]) -> dict[str, Any]:
    """All partitions and Regions, with the services of these endpoint prefixes."""
    partitions = [
        {**each, "services": {name: entry for name, entry in each["services"].items() if name in prefixes}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}
