"""An API's OpenAPI definition as CloudFormation passes it: a mapping, text, or an object in S3."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from blueprints.local.base.internals import Internal

OBJECT = Internal("services.lambda_svc", "_fetch_code_from_s3", ("bucket", "key", "version_id"))

ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"
_METHODS = ("get", "post", "put", "delete", "patch", "head", "options", "trace")

Definition = dict[str, Any]


def definition_of(props: dict[str, Any]) -> Definition | None:
    """The definition in a resource's Body or BodyS3Location; None where it has neither.

    Raises ValueError, which CloudFormation reports as the reason the resource failed.
    """
    body = props.get("Body")
    location = props.get("BodyS3Location")
    if body is None and location:
        bucket, key = location.get("Bucket"), location.get("Key")
        content = OBJECT.current()(bucket, key, location.get("Version"))
        if content is None:
            raise ValueError(f"The API definition s3://{bucket}/{key} does not exist.")
        body = content.decode()
    if isinstance(body, str):
        body = _parsed(body)
    if body is not None and not isinstance(body, dict):
        raise ValueError("The API definition is not a mapping.")
    return body


def operations(definition: Definition) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: path, method in capitals (`ANY` for all), and its definition."""
    for path, item in (definition.get("paths") or {}).items():
        for name, operation in (item or {}).items():
            if name == ANY:
                yield path, "ANY", operation or {}
            elif name.lower() in _METHODS:
                yield path, name.upper(), operation or {}


def integration_of(definition: Definition, operation: dict[str, Any]) -> dict[str, Any] | None:
    """An operation's integration, looked up where it is a reference to a shared one."""
    found = operation.get(INTEGRATION)
    if isinstance(found, dict) and "$ref" in found:
        found = _referred(definition, str(found["$ref"]))
    return found if isinstance(found, dict) else None


def security_schemes(definition: Definition) -> dict[str, dict[str, Any]]:
    """Security schemes by name, of OpenAPI 3 or Swagger 2."""
    components = definition.get("components") or {}
    schemes = components.get("securitySchemes") or definition.get("securityDefinitions") or {}
    return {name: scheme for name, scheme in schemes.items() if isinstance(scheme, dict)}


def _referred(definition: Definition, reference: str) -> object:
    target: Any = definition
    for part in reference.removeprefix("#/").split("/"):
        target = target.get(part) if isinstance(target, dict) else None
    if target is None:
        raise ValueError(f"The API definition refers to {reference}, which it does not have.")
    return target


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"The API definition is neither JSON nor YAML: {error}") from error
