"""Who may import whom: the rooms of the house, held by reading the imports."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATTERNS = sorted(path.parent for room in ("patterns", "sar") for path in (ROOT / room).glob("*/template.yaml"))

COMMANDS = ("blueprints_shared.replay", "blueprints_shared.stack_command")


def imported(path: Path) -> set[str]:
    """The full names of all modules a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def roots(path: Path) -> set[str]:
    """The top-level packages a file imports, without the standard library."""
    return {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names) - {""}


def sources(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_a_patterns_code_imports_its_requirements_and_nothing_of_the_tools(pattern):
    """Handlers import the standard library, boto3, their own files, and what requirements.in names."""
    own = {path.relative_to(pattern / "src").with_suffix("").parts[0] for path in sources(pattern / "src")}
    listed = (pattern / "src" / "requirements.in").read_text().splitlines()
    required = {
        line.split("=")[0].split(">")[0].split("[")[0].strip().replace("-", "_") for line in listed if line.strip()
    }
    known = {"aws_lambda_powertools", "blueprints_shared"}
    allowed = own | required | known | {"boto3", "botocore"}

    for path in sources(pattern / "src"):
        assert roots(path) <= allowed, f"{path.relative_to(ROOT)} imports {sorted(roots(path) - allowed)}"
        if "blueprints_shared.images" in imported(path):
            assert "pyvips" in required, f"{path.relative_to(ROOT)} needs pyvips[binary] in requirements.in"


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_handlers_do_not_import_what_commands_share(pattern):
    """Commands beside the handlers may wait and print; a handler that imports them starts more slowly."""
    for path in sources(pattern / "src"):
        commands = [name for name in imported(path) if name.startswith(COMMANDS)]
        assert not commands, f"{path.relative_to(ROOT)} imports {commands}"


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_a_demo_needs_boto3_alone(pattern):
    """demo.py plays on any account: it imports boto3, botocore and the standard library."""
    assert roots(pattern / "demo.py") <= {"boto3", "botocore"}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_a_pattern_points_at_nothing_above_its_own_folder(pattern):
    """A pattern can be copied: no file of it names a path above it, nor another pattern."""
    others = {other.name for other in PATTERNS if other != pattern}
    for path in pattern.rglob("*"):
        if path.suffix in (".py", ".yaml", ".toml", ".in") and path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "../.." not in text, path
            assert not [name for name in others if f"patterns/{name}" in text], path


def test_proofs_stand_in_a_folder_of_the_name_of_their_pattern():
    """tests/patterns/NAME holds the proofs of patterns/NAME."""
    folders = {path.parent.name for path in (ROOT / "tests" / "patterns").glob("*/conftest.py")}
    assert folders <= {pattern.name for pattern in PATTERNS}


def test_the_shared_library_imports_powertools_and_the_sdk_alone():
    """blueprints_shared imports Powertools and boto3, and never the tools. Its package `images` also imports pyvips.

    No other module of it imports `images`, so that handlers without images need no pyvips.
    """
    allowed = {"aws_lambda_powertools", "boto3", "botocore", "blueprints_shared"}
    images = ROOT / "shared" / "blueprints_shared" / "images"
    for path in sources(ROOT / "shared" / "blueprints_shared"):
        if images in path.parents:
            assert roots(path) <= allowed | {"pyvips"}, path
        else:
            assert roots(path) <= allowed, path
            assert not {name for name in imported(path) if name.startswith("blueprints_shared.images")}, path


def test_the_tools_import_no_pattern_no_test_and_no_script():
    """blueprints reads patterns as data."""
    forbidden = {"patterns", "tests", "scripts", "benchmarks", "blueprints_shared"}
    for path in sources(ROOT / "blueprints"):
        assert not roots(path) & forbidden, path


def test_only_the_embedded_aws_knows_the_base_emulator():
    """Nothing outside blueprints/local imports ministack, and inside it only through hooks and the server."""
    allowed = {ROOT / "blueprints" / "local" / "server.py"}
    for path in sources(ROOT / "blueprints"):
        assert "ministack" not in roots(path) or path in allowed, path


def test_the_tools_know_no_pattern_by_name():
    """Adding a pattern is adding a folder: no file of the tools names one."""
    for path in sources(ROOT / "blueprints"):
        text = path.read_text(encoding="utf-8")
        assert not [pattern.name for pattern in PATTERNS if pattern.name in text], path


def test_scripts_hold_no_logic():
    """A script is a few lines over the tools; what it does can be found in one place."""
    for script in (ROOT / "scripts").iterdir():
        lines = [line for line in script.read_text().splitlines() if line.strip() and not line.startswith("#")]
        assert len(lines) <= (45 if script.name == "setup" else 12), script.name
