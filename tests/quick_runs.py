"""Shorter runs of demos, for tests that play a demo once more than the pattern's own tests do."""

from pathlib import Path

PARAMETERS: dict[str, dict[str, str]] = {
    # A function curates the orders in place of Spark, whose start takes most of the time of a run.
    "glue-data-lake": {"SmallRunMegabytes": "1"},
}
"""Parameters of the stack, by pattern."""

_SIZES: dict[str, tuple[str, str]] = {
    # As many objects, with a tenth of their rows.
    "stepfunctions-etl": ("OBJECTS, ROWS = 50, 2_100\n", "OBJECTS, ROWS = 50, 210\n"),
}
"""By pattern: the line of demo.py that says how much it delivers, and the line that takes its place."""


def write_quick_demo(pattern: str, demo: Path) -> None:
    """Change the copy of a pattern's demo.py so that it delivers less; a demo that is quick stays as it is."""
    if pattern in _SIZES:
        text = demo.read_text(encoding="utf-8")
        full, quick = _SIZES[pattern]
        assert text.count(full) == 1, f"{demo} no longer has the line {full!r}; change _SIZES too"
        demo.write_text(text.replace(full, quick), encoding="utf-8")
