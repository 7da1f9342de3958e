"""Semantic versions: which texts are versions, their order, and the next one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.sar_rules.limits import FORMS
from blueprints.sar_rules.versions import bumped, is_version, order

NUMBERS = st.integers(0, 30)
IDENTIFIERS = st.lists(st.from_regex(r"[0-9A-Za-z-]{1,4}", fullmatch=True), max_size=3).map(".".join)


@st.composite
def texts(draw):
    """Versions, and texts that are almost versions: identifiers may have leading zeros."""
    core = ".".join(str(draw(NUMBERS)) for _ in range(3))
    extra, build = draw(IDENTIFIERS), draw(IDENTIFIERS)
    return core + (f"-{extra}" if extra else "") + (f"+{build}" if build else "")


@given(texts())
def test_the_form_of_the_metadata_and_the_order_accept_the_same_texts(text):
    assert is_version(text) == (re.fullmatch(FORMS["SemanticVersion"].pattern, text) is not None)


@given(texts().filter(is_version), st.sampled_from(["major", "minor", "patch"]))
def test_the_next_version_is_higher_and_a_release(version, kind):
    following = bumped(version, kind)

    assert order(following) > order(version)
    assert re.fullmatch(r"\d+\.\d+\.\d+", following)


@pytest.mark.parametrize(
    ("version", "major", "minor", "patch"),
    [
        ("1.2.3", "2.0.0", "1.3.0", "1.2.4"),
        ("0.2.3", "0.3.0", "0.2.4", "0.2.4"),
        ("1.2.3+build.7", "2.0.0", "1.3.0", "1.2.4"),
        ("1.2.3-rc.1", "2.0.0", "1.3.0", "1.2.3"),
        ("2.0.0-rc.1", "2.0.0", "2.0.0", "2.0.0"),
    ],
)
def test_the_version_to_write_after_another(version, major, minor, patch):
    assert [bumped(version, kind) for kind in ("major", "minor", "patch")] == [major, minor, patch]


def test_versions_are_in_order_of_precedence():
    """Numbers count as numbers, and releases come after their pre-releases."""
    given = ["1.0.10", "1.0.0-alpha.1", "1.0.0-11", "1.0.2", "1.0.0", "1.0.0-2", "1.0.0-alpha"]

    assert sorted(given, key=order) == [
        "1.0.0-2", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0", "1.0.2", "1.0.10",
    ]  # fmt: skip
    assert order("1.0.0+one") == order("1.0.0+two")


@pytest.mark.parametrize("text", ["1.0", "01.0.0", "1.0.0-01", "v1.0.0", "1.0.0\n", ""])
def test_other_texts_are_not_versions(text):
    assert not is_version(text)
    with pytest.raises(ValueError, match="not valid SemVer"):
        order(text)
