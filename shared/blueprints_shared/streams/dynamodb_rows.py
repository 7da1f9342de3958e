"""Images of DynamoDB items as rows of Python values: exact, and several times faster than boto3's TypeDeserializer.

    S → str       N → Decimal       BOOL → bool       NULL → None       M → dict       L → list
    B → bytes     SS, NS, BS → list, sorted, for DynamoDB's sets have no order

A number keeps its 38 digits, trailing zeros and exponent, because no decimal context rounds it. The items of a table
have few shapes (names and types of attributes), so a converter compiles a function for each shape that it meets a
second time. That takes as long as converting twenty items without it: keep a converter while the process lives.
"""

import base64
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any

__all__ = ["Image", "Row", "Unrepresentable", "key_text", "row_converter"]

Image = Mapping[str, Mapping[str, Any]]
Row = dict[str, Any]

# Further shapes of a table are converted without a compiled function.
_SHAPES_COMPILED = 64
_EXACT = Context(prec=400, traps=[])
_LARGEST_EXPONENT = 130


_MALFORMED = (TypeError, AttributeError, KeyError, InvalidOperation, ValueError, RecursionError)


class Unrepresentable(ValueError):
    """The image is not one that DynamoDB writes; the message has the reason."""


def row_converter() -> Callable[[Image], Row]:
    """A converter for the images of one table, which compiles functions for their shapes.

    It takes images as a stream delivers them (binary values in Base64) or as the low-level client reads them (bytes).
    It raises Unrepresentable.
    """
    size = -1
    fitted: Callable[[Image], Row] = _map
    compiled: dict[tuple[str, ...], Callable[[Image], Row]] = {}
    seen: set[tuple[str, ...]] = set()

    def convert(image: Image) -> Row:
        try:
            if len(image) == size:
                return fitted(image)
        except KeyError:
            pass  # an attribute is missing or of another type: another shape
        except _MALFORMED as error:
            raise _unrepresentable(error) from error
        try:
            return learn(image)
        except _MALFORMED as error:
            raise _unrepresentable(error) from error

    def learn(image: Image) -> Row:
        nonlocal size, fitted
        shape = tuple([part for name, typed in image.items() for part in (name, _tag(typed))])
        if shape not in compiled:
            if shape not in seen or len(compiled) >= _SHAPES_COMPILED:
                if len(seen) < 10 * _SHAPES_COMPILED:
                    seen.add(shape)
                return _map(image)
            compiled[shape] = _compiled(shape)
        size, fitted = len(image), compiled[shape]
        return fitted(image)

    return convert


def key_text(keys: Image) -> str:
    """A key as text, equal for equal keys even if their numbers are written differently. Raises Unrepresentable."""
    try:
        parts = [f"{name!r}:{_tag(keys[name])}:{_canonical(keys[name])!r}" for name in sorted(keys)]
    except _MALFORMED as error:
        raise _unrepresentable(error) from error
    return ",".join(parts)


def _canonical(typed: Mapping[str, Any]) -> str:
    tag = _tag(typed)
    if tag == "S":
        return str(typed["S"])
    if tag == "B":
        return base64.b64encode(_binary(typed["B"])).decode()
    if tag == "N":
        number = _number(typed["N"])
        return f"{_EXACT.normalize(number):f}" if number else "0"
    raise Unrepresentable(f"a key is never of the type {tag}")


def _compiled(shape: tuple[str, ...]) -> Callable[[Image], Row]:
    """One function for one shape, such as {'id': i['id']['S'], 'total': Decimal(i['total']['N'])}.

    Attribute names are data: they enter the source only as literals, by repr.
    """
    names: dict[str, Any] = {"_decimal": Decimal}
    parts = []
    for name, tag in zip(shape[::2], shape[1::2], strict=True):
        value = f"i[{name!r}][{tag!r}]"
        if tag == "N":
            value = f"_decimal({value})"
        elif tag == "NULL":
            value += " and None"
        elif tag not in ("S", "BOOL"):
            helper = f"_{len(names)}"
            names[helper] = row_converter() if tag == "M" else _learning_list() if tag == "L" else _VALUES[tag]
            value = f"{helper}({value})"
        parts.append(f"{name!r}: {value}")
    return eval(f"lambda i: {{{', '.join(parts)}}}", names)  # type: ignore[no-any-return]  # noqa: S307 - literals only


def _learning_list() -> Callable[[list[Mapping[str, Any]]], list[Any]]:
    """A converter for the lists in one attribute: most contain maps of one shape, which is tried first."""
    convert = row_converter()

    def convert_list(values: list[Mapping[str, Any]]) -> list[Any]:
        try:
            return [convert(each["M"]) for each in values]
        except KeyError:  # not all of them are maps
            return _list(values)

    return convert_list


def _unrepresentable(error: Exception) -> Unrepresentable:
    if isinstance(error, Unrepresentable):
        return error
    return Unrepresentable(f"not an image of an item: {type(error).__name__}: {error}")


def _tag(typed: Mapping[str, Any]) -> str:
    if not isinstance(typed, Mapping) or len(typed) != 1:
        raise Unrepresentable(f"{typed!r:.80} is no value: it needs exactly one type")
    (tag,) = typed
    if tag not in _VALUES:
        raise Unrepresentable(f"{tag!r:.80} is no type of DynamoDB")
    return tag


def _value(typed: Mapping[str, Any]) -> Any:
    tag = _tag(typed)
    return _VALUES[tag](typed[tag])


def _map(image: Image) -> Row:
    return {name: _value(typed) for name, typed in image.items()}


def _list(values: list[Mapping[str, Any]]) -> list[Any]:
    return [_value(each) for each in values]


def _same(value: Any) -> Any:
    return value


def _null(_: Any) -> None:
    return None


def _binary(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(value, validate=True)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise Unrepresentable(f"{text!r:.80} is no number") from error
    if not number.is_finite() or (number and abs(number.adjusted()) > _LARGEST_EXPONENT):
        raise Unrepresentable(f"{text!r:.80} is no number of DynamoDB's")
    return number


def _number_set(values: list[str]) -> list[Decimal]:
    return sorted(map(Decimal, values))


def _binary_set(values: list[str | bytes]) -> list[bytes]:
    return sorted(map(_binary, values))


_VALUES: dict[str, Callable[[Any], Any]] = {
    "S": _same,
    "N": Decimal,
    "BOOL": _same,
    "NULL": _null,
    "M": _map,
    "L": _list,
    "B": _binary,
    "SS": sorted,
    "NS": _number_set,
    "BS": _binary_set,
}
