"""The definition of a state machine as a template gives it: as text, as an object, or in a file in S3.

Source: AWS CloudFormation Template Reference, AWS::StepFunctions::StateMachine.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from blueprints.local.base.internals import Internal
from blueprints.local.services.stepfunctions.resource_types.service_calls import handler_error

OBJECT = Internal("services.s3", "_get_object_data", ("bucket_name", "key", "version_id"))

_SOURCES = ("Definition", "DefinitionString", "DefinitionS3Location")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}", re.ASCII)
"""SAM makes names such as `definition_substitution_1`."""


class _Loader(yaml.SafeLoader):
    """Reads timestamps as text, as JSON has none."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def definition(properties: dict[str, Any]) -> str:
    """The definition as JSON text, with substitutions. Raises ResourceFailed if it cannot be read."""
    given = [name for name in _SOURCES if properties.get(name) is not None]
    if len(given) != 1:
        named = " and ".join(given) or "none of them"
        raise handler_error(
            f"Exactly one of {', '.join(_SOURCES)} has to be given, but there is {named}", "InvalidRequest"
        )
    value = properties[given[0]]
    if given[0] == "Definition":
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    elif given[0] == "DefinitionString":
        text = str(value)
    else:
        return _as_json(substituted(_read(value), properties.get("DefinitionSubstitutions")))
    return substituted(text, properties.get("DefinitionSubstitutions"))


def substituted(text: str, substitutions: Mapping[str, Any] | None) -> str:
    """A text with the values of `DefinitionSubstitutions` in place of `${Name}`; unknown names stay as they are."""
    values = {name: _text(value) for name, value in (substitutions or {}).items()}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(location: Mapping[str, Any]) -> str:
    bucket, key = str(location.get("Bucket", "")), str(location.get("Key", ""))
    content = OBJECT.current()(bucket, key, version_id=location.get("Version"))
    if content is None:
        raise handler_error(f"There is no object s3://{bucket}/{key} with a definition", "NotFound")
    try:
        return bytes(content).decode()
    except UnicodeDecodeError as error:
        raise handler_error(f"s3://{bucket}/{key} is not UTF-8: {error}", "InvalidRequest") from None


def _as_json(text: str) -> str:
    """A file's content as JSON: it may be YAML. What is neither stays as it is, and the service refuses it."""
    try:
        json.loads(text)
    except ValueError:
        try:
            return json.dumps(yaml.load(text, _Loader), ensure_ascii=False)  # noqa: S506 - a SafeLoader
        except (yaml.YAMLError, TypeError):
            return text
    return text
