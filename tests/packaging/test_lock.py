"""What counts as pinned, compared with the library `packaging`, which pip uses too."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from blueprints.errors import BlueprintError
from blueprints.packaging.lock import normal, parse

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.sampled_from(["1", "1.17.0", "2.0rc1", "1.0.post1", "1!2.0", "1.0+local", "1.*", "1.17.*"])
SPECIFIERS = st.lists(st.tuples(st.sampled_from(["==", "===", ">=", "~=", "!=", "<"]), VERSIONS), max_size=2)
SPACES = st.sampled_from(["", " "])


@st.composite
def lines(draw):
    """A line of a requirements file, without hashes."""
    space = draw(SPACES)
    extras = draw(st.sampled_from(["", "[a]", "[a,b]"]))
    specifiers = f"{space},{space}".join(f"{operator}{space}{version}" for operator, version in draw(SPECIFIERS))
    marker = draw(st.sampled_from(["", "; python_version < '3.12'", " ;sys_platform == 'linux'"]))
    return f"{draw(NAMES)}{extras}{space}{specifiers}{marker}"


def is_pinned(line):
    """Whether `packaging` sees one exact version; None if the line is not valid."""
    try:
        required = Requirement(line)
    except ValueError:
        return None
    one = [each for each in required.specifier if each.operator in ("==", "===") and not each.version.endswith("*")]
    return len(required.specifier) == len(one) == 1


@given(lines(), st.sampled_from(["", " --hash=sha256:00", "  --hash=sha256:00 --hash=sha256:11"]))
def test_a_line_is_accepted_if_it_names_exactly_one_version(line, hashes):
    wanted = is_pinned(line)
    if wanted is None:
        return
    try:
        lock = parse(f"{line}{hashes}", Path("requirements.txt"))
    except BlueprintError:
        accepted = False
    else:
        accepted = True
        assert lock.names() == {canonicalize_name(Requirement(line).name)}

    assert accepted == wanted


@given(NAMES)
def test_names_are_normalised_as_indexes_do(name):
    assert normal(name) == canonicalize_name(name)
