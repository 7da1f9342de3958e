"""What IAM says of calls, by the cases in `cases/`."""

import pytest

from tests.local.iam.playing import CASES, FIELDS, Player, load

FILES = sorted(CASES.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_call_is_judged_as_aws_judges_it(cloud, file):
    read = load(file)
    player = Player(cloud, read)

    differing = {case["name"]: player.mismatch(case) for case in read["cases"]}

    assert not {name: how for name, how in differing.items() if how}


def test_cases_are_complete():
    """Each says where AWS documents it; names are unique; enough are allowed that a judge who denies all fails."""
    cases = [(file.stem, case) for file in FILES for case in load(file)["cases"]]

    assert not [case["name"] for _, case in cases if case.keys() - FIELDS or not case.get("source")]
    assert not [case["name"] for _, case in cases if case["verdict"] not in ("allowed", "denied")]
    assert len({(stem, case["name"]) for stem, case in cases}) == len(cases)
    assert sum(case["verdict"] == "allowed" for _, case in cases) * 3 >= len(cases)
