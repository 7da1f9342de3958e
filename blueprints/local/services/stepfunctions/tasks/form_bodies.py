"""Bodies of HTTP tasks as forms: `Transform.RequestBodyEncoding` is `URL_ENCODED`.

Source: AWS Step Functions Developer Guide, "Call HTTPS APIs in Step Functions workflows"; `ArrayFormat` as in the AWS
CDK's URLEncodingFormat.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments
from blueprints.states_language.json_text import dump

_DEFAULT = "INDICES"
_NAMES_OF_ELEMENTS: dict[str, Callable[[str, int], str]] = {
    "INDICES": lambda name, index: f"{name}[{index}]",
    "REPEAT": lambda name, _: name,
    "BRACKETS": lambda name, _: f"{name}[]",
}
_FORMATS = (*_NAMES_OF_ELEMENTS, "COMMAS", "NONE")


def array_format(transform: Mapping[str, Any]) -> str | None:
    """How a body is written as a form; None if it stays JSON. Raises UnusableArguments."""
    if transform.get("RequestBodyEncoding", "NONE") != "URL_ENCODED":
        return None
    chosen = (transform.get("RequestEncodingOptions") or {}).get("ArrayFormat", _DEFAULT)
    if chosen not in _FORMATS:
        raise UnusableArguments([f"The value for the field 'ArrayFormat' must be one of {', '.join(_FORMATS)}"])
    return None if chosen == "NONE" else str(chosen)


def form(body: Mapping[str, Any], arrays: str) -> bytes:
    """The form of an object; the members of objects inside it are called `outer[inner]`."""
    pairs = [pair for name, value in body.items() for pair in _pairs(name, value, arrays)]
    return urlencode(pairs, safe="[],").encode()


def _pairs(name: str, value: Any, arrays: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, part in value.items():
            yield from _pairs(f"{name}[{inner}]", part, arrays)
    elif isinstance(value, str) or not isinstance(value, Sequence):
        yield name, _text(value)
    elif arrays == "COMMAS":
        yield name, ",".join(map(_text, value))
    else:
        for index, part in enumerate(value):
            yield from _pairs(_NAMES_OF_ELEMENTS[arrays](name, index), part, arrays)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dump(value)
