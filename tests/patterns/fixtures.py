"""Gives the tests below `tests/patterns/NAME` what the pattern's own tests have."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

PATTERNS = Path(__file__).parents[2] / "patterns"


def load_fixtures(folder: Path) -> dict[str, Any]:
    """Put the pattern's folders and `folder` on the path; return what the conftest of the pattern's tests defines."""
    conftest = PATTERNS / folder.name / "tests" / "conftest.py"
    spec = importlib.util.spec_from_file_location(f"conftest of {folder.name}", conftest)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # it extends the path
    sys.path.insert(0, str(folder))
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}
