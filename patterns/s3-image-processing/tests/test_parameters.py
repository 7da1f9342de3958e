"""The template's constraints on parameters and the handler's on settings agree."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_renditions import LONGEST_SIDE_LIMIT, RENDITIONS_LIMIT, parse_specs
from template_facts import variables_by_default

from blueprints_shared.settings import SettingsError, load

TEMPLATE = (Path(__file__).parent.parent / "template.yaml").read_text()


def constraint(parameter, name):
    """A property of a parameter in the template: a string, a number or a list."""
    text = TEMPLATE.split(f"\n  {parameter}:\n", 1)[1]
    value = re.search(rf"^    {name}: (.*)$", text, re.MULTILINE)[1]
    return value.strip("[]").split(", ") if value[0] == "[" else json.loads(value)


def written(variable):
    """The number that the template gives an environment variable, or the default of the parameter that it refers to."""
    parameter = variables_by_default().get(variable)
    return int(parameter or re.search(rf'^ +{variable}: "(\d+)"', TEMPLATE, re.MULTILINE)[1])


RENDITIONS = re.compile(constraint("Renditions", "AllowedPattern"))
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{0,34}", fullmatch=True)
PIXELS = st.one_of(st.integers(-1, 99_999), st.integers(LONGEST_SIDE_LIMIT - 2, LONGEST_SIDE_LIMIT + 2)).map(str)
PARTS = st.builds(
    "{}{}{}{}{}".format, st.sampled_from(["", " "]), NAMES, st.sampled_from(["=", "=", ":"]), PIXELS, st.just("")
)
ALMOST = st.lists(PARTS, min_size=1, max_size=12).map(",".join)


def parsed(text):
    """The specs, or None and the error message. Like `load`, this strips the white space around the text."""
    try:
        return parse_specs(text.strip()), ""
    except ValueError as error:
        return None, str(error)


class TestRenditions:
    @settings(max_examples=300, deadline=None)
    @given(st.one_of(st.from_regex(RENDITIONS, fullmatch=True, alphabet=st.characters(max_codepoint=127)), ALMOST))
    @example("a-=20")
    @example("-a=20")
    @example("poster=20000")
    @example("a=16383")
    @example("a=16384")
    @example("a=0")
    @example("a=01")
    @example("a" * 32 + "=1")
    @example("a" * 33 + "=1")
    @example("a=1, b=2")
    @example(" a=1 ")
    @example("a=1,a=2")
    @example("a=1,,b=2")
    @example(",".join(f"n{at}=1" for at in range(RENDITIONS_LIMIT)))
    @example(",".join(f"n{at}=1" for at in range(RENDITIONS_LIMIT + 1)))
    def test_template_and_handler_accept_the_same_except_names_used_twice(self, text):
        specs, message = parsed(text)
        if RENDITIONS.fullmatch(text):
            assert specs or "each needs its own" in message, message
        else:
            assert specs is None

    @pytest.mark.parametrize(
        ("text", "part", "rule"),
        [
            ("a=1,b-=20", "'b-=20'", "no hyphen at either end"),
            ("a=1,Poster=20", "'Poster=20'", "lower-case"),
            (f"{'n' * 33}=20", f"'{'n' * 33}=20'", "1 to 32"),
            ("a=1,poster=20000", "'poster=20000'", "from 1 to 16383"),
            ("a=1,b=0", "'b=0'", "from 1 to 16383"),
            ("a=1,poster", "'poster'", "name=pixels"),
            ("a=1,b=2,a=3", "'a'", "each needs its own"),
            (",".join(f"n{at}=1" for at in range(11)), "11 renditions", "more than 10"),
        ],
    )
    def test_an_error_names_the_part_and_the_rule(self, text, part, rule):
        specs, message = parsed(text)
        assert specs is None
        assert part in message
        assert rule in message


def test_a_quality_outside_its_bounds_is_an_error(render_image, monkeypatch):
    least, most = constraint("Quality", "MinValue"), constraint("Quality", "MaxValue")
    for value in (least, most, written("QUALITY")):
        monkeypatch.setenv("QUALITY", str(value))
        assert load(render_image.Settings).quality == value
    for value in (least - 1, most + 1):
        monkeypatch.setenv("QUALITY", str(value))
        with pytest.raises(SettingsError, match=f"QUALITY: {value} is not from {least} to {most}"):
            load(render_image.Settings)


@pytest.mark.parametrize(("variable", "least"), [("MAX_PIXELS", 1), ("MAX_BYTES", 1024)])
def test_limits_can_be_raised_above_those_of_the_template(variable, least, render_image, monkeypatch):
    for value in (least, written(variable), written(variable) * 10):
        monkeypatch.setenv(variable, str(value))
        assert getattr(load(render_image.Settings), variable.lower()) == value
    monkeypatch.setenv(variable, str(least - 1))
    with pytest.raises(SettingsError, match=f"{variable}: {least - 1} is less than {least}"):
        load(render_image.Settings)


def test_every_output_format_of_the_template_is_accepted(render_image, monkeypatch):
    for value in constraint("OutputFormat", "AllowedValues"):
        monkeypatch.setenv("OUTPUT_FORMAT", value)
        assert load(render_image.Settings).output_format == value
