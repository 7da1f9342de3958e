"""Settings: read once, every fault named."""

from dataclasses import dataclass, field
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints_shared.settings import SettingsError, load, parsed, whole_number


def _pairs(text: str) -> tuple[str, ...]:
    if "=" not in text:
        raise ValueError(f"{text!r} has no equals sign")
    return tuple(text.split("="))


@dataclass(frozen=True, kw_only=True)
class Example:
    bucket: str
    quality: int
    share: float
    verbose: bool
    topic: str | None
    limit: int | None
    region: str = "eu-west-1"
    pair: tuple[str, ...] = parsed(_pairs)


GOOD = {"BUCKET": "b", "QUALITY": "80", "SHARE": "0.5", "VERBOSE": "true", "PAIR": "a=1"}


def test_every_type_is_read():
    assert load(Example, {**GOOD, "TOPIC": "arn", "LIMIT": "7"}) == Example(
        bucket="b", quality=80, share=0.5, verbose=True, topic="arn", limit=7, region="eu-west-1", pair=("a", "1")
    )


def test_what_may_be_missing_may_be_empty():
    settings = load(Example, {**GOOD, "TOPIC": "", "REGION": " "})
    assert (settings.topic, settings.limit, settings.region) == (None, None, "eu-west-1")


def _no_pair(text: str) -> None:
    raise ValueError(f"{text!r} was parsed")


@dataclass(frozen=True, kw_only=True)
class Optionals:
    """Every way to write a setting that may be empty."""

    a: str | None
    b: Optional[int]  # noqa: UP045 - what people bring from older code
    c: float | None
    d: str = ""
    e: bool = False
    f: str | None = None
    g: tuple[str, ...] | None = parsed(_no_pair)
    h: tuple[str, ...] = parsed(_no_pair, default=())
    i: tuple[str, ...] = parsed(_no_pair, default_factory=tuple)
    j: int = field(init=False, default=1)


@pytest.mark.parametrize("value", [None, "", " ", "\n"], ids=repr)
def test_a_setting_that_may_be_empty_is_not_set_by_an_empty_variable(value):
    """CloudFormation has no value but '' for an optional parameter that is left out."""
    variables = {name.upper(): value for name in "abcdefghij"} if value is not None else {}
    assert load(Optionals, variables) == Optionals(a=None, b=None, c=None, g=None)


def test_an_optional_setting_is_read_when_it_is_set():
    assert load(Optionals, {"A": "x", "B": "7", "C": "0.5"}) == Optionals(a="x", b=7, c=0.5, g=None)


def test_a_setting_that_is_not_set_says_how_to_set_it_and_how_to_make_it_optional():
    with pytest.raises(SettingsError) as raised:
        load(Example, {**GOOD, "BUCKET": "", "QUALITY": " ", "PAIR": "x"})
    assert str(raised.value) == (
        "environment variables of Example: BUCKET is not set (its value is empty); QUALITY is not set (its value is "
        "empty); PAIR: 'x' has no equals sign. Give each a value under Environment in the template or, if it may be "
        "empty, write 'bucket: str | None', 'quality: int | None' in Example."
    )


def test_a_value_of_the_wrong_form_alone_needs_no_advice_about_empty_ones():
    with pytest.raises(SettingsError, match=r"whole number$"):
        load(Example, {**GOOD, "QUALITY": "high"})


def test_every_fault_is_named_at_once():
    with pytest.raises(SettingsError) as raised:
        load(Example, {"QUALITY": "high", "SHARE": "half", "VERBOSE": "maybe", "PAIR": "x"})
    for part in (
        "Example",
        "BUCKET is not set",
        "QUALITY: 'high' is not a whole number",
        "SHARE: 'half' is not a number",
        "VERBOSE: 'maybe' is neither true nor false",
        "PAIR: 'x' has no equals sign",
    ):
        assert part in str(raised.value)


def test_an_empty_variable_is_a_missing_one():
    with pytest.raises(SettingsError, match="BUCKET is not set"):
        load(Example, {**GOOD, "BUCKET": ""})


def test_the_environment_is_the_default(monkeypatch):
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert load(Example).quality == 80


def test_a_type_that_cannot_be_a_setting_is_a_programming_error():
    @dataclass
    class Wrong:
        things: list

    with pytest.raises(TypeError, match=r"^things: a setting cannot be list; use str"):
        load(Wrong, {"THINGS": "1"})


@given(st.integers(), st.floats(allow_nan=False), st.booleans())
def test_what_str_writes_is_read_back(quality, share, verbose):
    environment = {**GOOD, "QUALITY": str(quality), "SHARE": str(share), "VERBOSE": str(verbose)}
    settings = load(Example, environment)
    assert (settings.quality, settings.share, settings.verbose) == (quality, share, verbose)


@dataclass(frozen=True, kw_only=True)
class Limits:
    share: int = whole_number(0, 100)
    bytes: int = whole_number(1024)


def test_a_number_within_its_limits_is_read():
    assert load(Limits, {"SHARE": "100", "BYTES": str(10**12)}) == Limits(share=100, bytes=10**12)


def test_a_number_outside_its_limits_is_an_error():
    with pytest.raises(SettingsError, match=r"SHARE: 101 is not from 0 to 100; BYTES: 1023 is less than 1024"):
        load(Limits, {"SHARE": "101", "BYTES": "1023"})
