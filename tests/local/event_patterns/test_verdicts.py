"""Every pair of `verdicts.json` gets the verdict of AWS's own library here, and every refusal its reason."""

import json
from pathlib import Path

from blueprints.local.base.event_patterns import InvalidPattern, compiled, read_event

DATA = json.loads(Path(__file__).with_name("verdicts.json").read_text(encoding="utf-8"))
CASES = DATA["cases"]
NO_JSON = "Invalid JSON"


def test_all_verdicts_are_those_of_the_library():
    different = {
        (case["pattern"], case["event"]): answer for case in CASES if (answer := answered(case)) != verdict(case)
    }
    assert different == {}


def test_the_cases_are_many_and_have_both_verdicts():
    """At least 400 pairs, and each verdict in many of them: a matcher that always answers the same fails."""
    verdicts = [case.get("matches") for case in CASES]
    assert len(CASES) >= 400
    assert min(verdicts.count(True), verdicts.count(False)) >= 150
    assert verdicts.count(None) >= 50, "patterns that are refused"


def answered(case: dict) -> bool | str:
    try:
        return compiled(case["pattern"]).matches(read_event(case["event"]))
    except InvalidPattern as problem:
        return str(problem)


def verdict(case: dict) -> bool | str:
    """The library's verdict; its parser's words for text that is no JSON are those of a Java package."""
    if answered(case) == NO_JSON and "refused" in case:
        return NO_JSON
    return case.get("matches", case.get("refused"))
