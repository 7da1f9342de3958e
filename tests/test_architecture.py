"""The directions of imports, checked by reading the source files."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests import scheduling

ROOT = Path(__file__).parents[1]
PATTERNS = sorted(path.parent for room in ("patterns", "sar") for path in (ROOT / room).glob("*/template.yaml"))

IN_EVERY_PATTERN = ("tests/template_facts.py", "LICENSE")
COMMANDS = ("blueprints_shared.replay", "blueprints_shared.stack_command")


@cache
def nodes(path: Path) -> list[ast.AST]:
    """The import statements of a file, wherever in it."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path: Path) -> set[str]:
    """The full names of all modules a file imports, wherever in it."""
    names: set[str] = set()
    for node in nodes(path):
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
    """Handlers import the standard library, boto3, files of their package, and what its requirements.in names.

    The scripts of Glue jobs import pyspark and nothing of a requirements.in.
    """
    for path in sources(pattern / "src"):
        package = next(folder for folder in path.parents if (folder / "requirements.in").is_file())
        own = {each.relative_to(package).with_suffix("").parts[0] for each in sources(package)}
        required = requirements(package / "requirements.in")
        on_spark = "pyspark" in roots(path)
        given = {"pyspark"} if on_spark else required | {"aws_lambda_powertools", "blueprints_shared"}
        allowed = own | given | {"boto3", "botocore"}
        assert roots(path) <= allowed, f"{path.relative_to(ROOT)} imports {sorted(roots(path) - allowed)}"
        if "blueprints_shared.images" in imported(path):
            assert "pyvips" in required, f"{path.relative_to(ROOT)} needs pyvips[binary] in requirements.in"


def requirements(path: Path) -> set[str]:
    """The packages that a requirements.in names, as they are imported."""
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    return {line.split("=")[0].split(">")[0].split("[")[0].strip().replace("-", "_") for line in lines}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_handlers_do_not_import_modules_of_commands(pattern):
    """Commands beside the handlers may wait and print; a handler that imports them starts more slowly."""
    for path in sources(pattern / "src"):
        commands = [name for name in imported(path) if name.startswith(COMMANDS)]
        assert not commands, f"{path.relative_to(ROOT)} imports {commands}"


def test_files_that_every_pattern_has_are_the_same():
    """A copy stands alone, so these files are in each pattern: change one, and copy it to the others."""
    for name in IN_EVERY_PATTERN:
        files = [pattern / name for pattern in PATTERNS if (pattern / name).is_file()]
        different = [each for each in files if each.read_bytes() != files[0].read_bytes()]
        assert len(files) > 1, f"{name} is in one pattern at most: take it out of IN_EVERY_PATTERN"
        assert not different, f"{[str(each) for each in different]} differ from {files[0]}"


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_a_demo_needs_boto3_and_at_most_what_reads_parquet(pattern):
    """demo.py plays on any account: it imports boto3 and, where it compares Parquet, pyarrow when it needs it."""
    assert roots(pattern / "demo.py") <= {"boto3", "botocore", "pyarrow"}
    at_import = [each for each in ast.parse((pattern / "demo.py").read_text()).body if isinstance(each, ast.Import)]
    assert "pyarrow" not in {alias.name.split(".")[0] for each in at_import for alias in each.names}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_commands_beside_the_handlers_need_boto3_and_the_shared_library(pattern):
    """They run on any machine that has what tests/requirements.txt names."""
    own = {path.stem for path in sources(pattern / "src")}
    for name in ("replay.py", "reconcile.py"):
        if (pattern / name).is_file():
            assert roots(pattern / name) <= {"blueprints_shared", "boto3", "botocore"} | own, name


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
    """blueprints_shared imports Powertools and boto3, and never the tools; three modules import one library more.

    No other module imports these three, so that handlers need a library only if they use it.
    """
    allowed = {"aws_lambda_powertools", "boto3", "botocore", "blueprints_shared"}
    shared = ROOT / "shared" / "blueprints_shared"
    further = {
        "blueprints_shared.images": "pyvips",
        "blueprints_shared.json_": "msgspec",
        "blueprints_shared.http_post": "urllib3",
    }
    for path in sources(shared):
        module = ".".join(path.relative_to(shared.parent).with_suffix("").parts)
        own = {library for name, library in further.items() if module.startswith(name)}
        assert roots(path) <= allowed | own, path
        foreign = [name for name, library in further.items() if library not in own]
        assert not [each for each in imported(path) if each.startswith(tuple(foreign))], path


def test_the_tools_import_no_pattern_no_test_and_no_script():
    """blueprints reads patterns as data."""
    forbidden = {"patterns", "tests", "scripts", "benchmarks", "blueprints_shared"}
    for path in sources(ROOT / "blueprints"):
        assert not roots(path) & forbidden, path


def test_only_the_embedded_aws_imports_the_base_emulator():
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


TOOLS = ROOT / "blueprints"
EVERY_ROOM = "every room"
TABLE = re.compile(r"^\| room, from the bottom up \|.*?\n\|[-| ]+\|\n(?P<rows>(?:\|.*\|\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Room:
    """A row of the table in CONTRIBUTING.md: modules and folders of `blueprints/`, and the rooms that they import."""

    name: str
    paths: tuple[str, ...]
    """Below `blueprints/`, such as `errors.py` or `template/`."""
    may_import: frozenset[str]


@dataclass(frozen=True)
class Import:
    """A module of the tools that a file imports, wherever in it, also for type checking alone."""

    place: str
    path: str
    """The importing file, below `blueprints/`."""
    module: str
    """The imported module's file, below `blueprints/`."""


@cache
def rooms() -> list[Room]:
    """The rooms of the tools, from the bottom up, as CONTRIBUTING.md lists them; the first is the ground."""
    table = TABLE.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert table, "CONTRIBUTING.md has no table '| room, from the bottom up | holds | may import |'"
    rows = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table["rows"].splitlines()]
    listed: list[Room] = []
    for cells in rows:
        below = [room.name for room in listed]
        named = below if cells[-1] == EVERY_ROOM else cells[-1].split(", ")
        paths = tuple(re.findall(r"`([\w/]+(?:\.py|/))`", cells[0]))
        listed.append(Room(cells[0].partition(":")[0], paths, frozenset([*named, *below[:1]]) - {"nothing"}))
    return listed


def room_of(path: str, listed: list[Room]) -> str | None:
    """The room that holds a file: the one that names it, or the innermost folder around it."""
    fitting = [
        (len(each), room.name)
        for room in listed
        for each in room.paths
        if path == each or (each.endswith("/") and path.startswith(each))
    ]
    return max(fitting)[1] if fitting else None


@cache
def imports_of_the_tools() -> list[Import]:
    """Every import of one module of the tools by another."""
    return list(dict.fromkeys(_imports()))


def _imports() -> Iterator[Import]:
    for path in sorted(sources(TOOLS)):
        for node in nodes(path):
            for module in _modules(node):
                place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
                yield Import(place, path.relative_to(TOOLS).as_posix(), module)


def _modules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        names = []
    for name in names:
        if name.split(".")[0] == "blueprints":
            yield _file_of(name)


def _file_of(name: str) -> str:
    """The file, below `blueprints/`, of a module or of a name in a module."""
    parts = name.split(".")
    for length in (len(parts), len(parts) - 1):
        path = ROOT.joinpath(*parts[:length])
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py").relative_to(TOOLS).as_posix()
        if (path / "__init__.py").is_file():
            return (path / "__init__.py").relative_to(TOOLS).as_posix()
    raise AssertionError(f"there is no module {name}")


def test_every_file_of_the_tools_belongs_to_a_room():
    """CONTRIBUTING.md lists the rooms of `blueprints/`; each of its rooms exists."""
    listed = rooms()
    for path in sources(TOOLS):
        inside = path.relative_to(TOOLS).as_posix()
        assert room_of(inside, listed), f"blueprints/{inside} is in no room: add it to the table in CONTRIBUTING.md"
    for room in listed:
        for each in room.paths:
            assert (TOOLS / each).exists(), f"CONTRIBUTING.md lists blueprints/{each}, which does not exist"


def test_a_room_may_import_only_rooms_below_it():
    """So no two rooms import each other, over whatever way."""
    below: set[str] = set()
    for room in rooms():
        unknown = room.may_import - below
        assert not unknown, f"CONTRIBUTING.md: {room.name} may not import {sorted(unknown)}, which is not below it"
        below.add(room.name)


def test_the_tools_import_no_room_that_the_table_does_not_allow():
    """Imports inside functions and for type checking count too: they tie two rooms together as well."""
    listed = rooms()
    allowed = {room.name: room.may_import for room in listed}
    wrong = []
    for each in imports_of_the_tools():
        importing, imported_room = room_of(each.path, listed), room_of(each.module, listed)
        if importing == imported_room or importing is None or imported_room is None:
            continue
        if imported_room not in allowed[importing]:
            wrong.append(
                f"{each.place}: {importing} imports blueprints/{each.module}, which is {imported_room}; move what it "
                f"needs into {importing} or a room below it (see the table in CONTRIBUTING.md)"
            )
    assert not wrong, "\n".join(wrong)


def test_the_table_allows_only_imports_that_exist():
    """A row that allows more than its files import hides the next wrong import. Every room may import the ground."""
    listed = rooms()[:-1]
    used = {(room_of(each.path, listed), room_of(each.module, listed)) for each in imports_of_the_tools()}
    for room in listed:
        unused = {name for name in room.may_import if name != listed[0].name and (room.name, name) not in used}
        assert not unused, f"CONTRIBUTING.md: {room.name} imports nothing of {sorted(unused)}; take it out of the row"


def test_an_emulated_service_imports_another_only_from_its_package():
    """A file in `services/NAME/` imports of `services/OTHER/` only what `services/OTHER/__init__.py` offers."""
    deeper = []
    for each in imports_of_the_tools():
        own, other = _service(each.path), _service(each.module)
        if own and other and own != other and not each.module.endswith(f"services/{other}/__init__.py"):
            deeper.append(
                f"{each.place}: {own} imports blueprints/{each.module}; offer what it needs in "
                f"blueprints/local/services/{other}/__init__.py and import it from there"
            )
    assert not deeper, "\n".join(deeper)


def _service(path: str) -> str | None:
    found = re.match(r"local/services/(\w+)/", path)
    return found[1] if found else None


def test_every_emulated_service_is_described():
    """docs/embedded-aws.md has a row for every folder of services/, and no row for another."""
    text = (ROOT / "docs" / "embedded-aws.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(\w+)`(?: \([\w ]+\))? \|", text, re.MULTILINE))
    folders = {path.parent.name for path in (ROOT / "blueprints" / "local" / "services").glob("*/__init__.py")}

    assert described == folders
    modules = set(re.findall(r"^\| `(\w+\.py)` \|", text, re.MULTILINE))
    assert modules
    assert [name for name in modules if not (ROOT / "blueprints" / "local" / name).is_file()] == []


def test_tests_leave_the_standard_library_alone():
    """Replacing `time.sleep` itself changes every thread of the process: threads that wait would loop at full speed.

    Tests replace the name in the module under test: `patch.object(module, "time", SimpleNamespace(sleep=...))`.
    """
    # No thread reads sys.stdin or sys.argv, what is added to builtins disturbs none, and "offline" has to hold for all.
    allowed = {"sys", "builtins", "socket"}
    replaced = re.compile(
        r"(?:setattr|patch\.object)\(\s*\w+\.(\w+),|(?:setattr|patch)\(\s*f?[\"'](?:[\w.{}]+\.)?(\w+)\.\w+[\"']"
    )
    for room in ("tests", "shared/tests", "patterns", "sar"):
        for path in sources(ROOT / room):
            names = {one or other for one, other in replaced.findall(path.read_text(encoding="utf-8"))}
            found = names & (sys.stdlib_module_names - allowed)
            assert not found, f"{path.relative_to(ROOT)} changes {sorted(found)} for the whole process"


def test_the_modules_that_are_scheduled_apart_or_first_exist():
    for name in {*scheduling._APART, *scheduling._LONGEST_FIRST}:
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), f"{path} in tests/scheduling.py is not there"
        assert not test or f"def {test}(" in (ROOT / path).read_text(), f"{name} in tests/scheduling.py is not there"
