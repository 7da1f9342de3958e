"""Numbers with nouns in messages."""

import pytest

from blueprints.counting import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 breaches"), (1, "1 breach"), (2, "2 breaches"), (1200, "1,200 breaches")]
)
def test_only_one_is_singular(number, said):
    assert counted(number, "breach", "breaches") == said
    assert counted(number, "file") == said.replace("breaches", "files").replace("breach", "file")
