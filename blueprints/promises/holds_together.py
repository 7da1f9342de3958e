"""Holds together: the files of the folder agree with each other, also after one of them changes."""

import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
from blueprints.promises.sources import Import, Setting, python_files, read
from blueprints.template.schemas import advice

_README = "README.md"
_NAMED = re.compile(r"(?<![\w/.])((?:src|events|tests|companions)/[\w./-]*\w\.(?:py|json|ya?ml|toml))\b")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_ELSEWHERE = re.compile(r"[a-z]+:|/|\.\./")
_NESTED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]*(\S+)")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_OF_LAMBDA = re.compile(r"AWS_|LAMBDA_|_|(TZ|LANG|PATH|LD_LIBRARY_PATH|PYTHONPATH)$")
_OF_THE_RUNTIME = frozenset(
    {"awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "six", "urllib3"}
)
# Packages whose modules have unrelated names.
_OTHERWISE_NAMED = {"cv2": "opencv", "fitz": "pymupdf", "osgeo": "gdal"}


def imported_modules_are_there(checked: CheckedPattern) -> Iterator[Finding]:
    """Every module that a Python file imports is in the folder, in Python itself, or in requirements."""
    folder = checked.pattern.folder
    files = python_files(folder)
    own = {path.stem for path in files} | {parent.name for path in files for parent in path.parents}
    brought = _Brought(folder)
    code = {function.code.resolve() for function in checked.pattern.functions}
    missing: dict[str, list[tuple[Path, Import]]] = {}
    for path in files:
        for each in read(path).imports:
            if each.name not in own and not brought.brings(each.name, on_lambda=bool(code & {*path.resolve().parents})):
                missing.setdefault(each.name, []).append((path, each))
    layers = any("Layers" in function.properties for function in checked.functions) if missing else False
    for name, places in missing.items() if not layers else ():
        file, *others = dict.fromkeys(path.relative_to(folder).as_posix() for path, _ in places)
        listed = f" (imported by {', '.join(others)} too)" if others else ""
        meant = advice(name, sorted(own), "write it, or add its package to requirements.txt.")
        yield checked.finding_in(
            file, f"Module {name} is not in the folder, nor in requirements{listed}; {meant}", places[0][1].line
        )


def settings_have_their_environment_variables(checked: CheckedPattern) -> Iterator[Finding]:
    """Every setting of a function has its environment variable, and is optional if that can be empty."""
    found: dict[Setting, list[tuple[Resource, str]]] = {}
    for function in checked.functions:
        for setting in _settings_of(checked, function.logical_id):
            fault = _fault(checked, function, setting)
            if fault:
                found.setdefault(setting, []).append((function, fault))
    for setting, faults in found.items():
        file = setting.file.relative_to(checked.pattern.folder).as_posix()
        functions = ", ".join(function.logical_id for function, _ in faults)
        yield checked.finding_in(file, f"{functions}: {faults[0][1]}", setting.line)


def files_that_are_named_are_there(checked: CheckedPattern) -> Iterator[Finding]:
    """Every file that the README, a requirements.txt or a test's `sample` names exists in the folder."""
    folder = checked.pattern.folder
    named: dict[str, int] = {}
    for number, line in enumerate(checked.readme, 1):
        links = [path for path in _LINK.findall(line) if not _ELSEWHERE.match(path)]
        for path in (*_NAMED.findall(line), *links):
            named.setdefault(path, number)
    for path, place in named.items():
        if not (folder / path).exists():
            yield checked.finding_in(_README, _missing(folder / path, path), place)
    for lock in sorted(folder.glob("*/requirements*.txt")):
        for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
            nested = _NESTED.match(line)
            if nested and not (lock.parent / nested[1]).is_file():
                message = _missing(lock.parent / nested[1], nested[1])
                yield checked.finding_in(lock.relative_to(folder).as_posix(), message, number)
    yield from _missing_events(checked)


def _missing_events(checked: CheckedPattern) -> Iterator[Finding]:
    """Events that tests name and that do not exist, each once."""
    folder = checked.pattern.folder
    named = [(name, path, line) for path in python_files(folder / "tests") for name, line in read(path).samples()]
    for name in dict.fromkeys(name for name, _, _ in named):
        if not (folder / "events" / f"{name}.json").is_file():
            path, line = next((path, line) for each, path, line in named if each == name)
            message = _missing(folder / "events" / f"{name}.json", f"events/{name}.json")
            yield checked.finding_in(path.relative_to(folder).as_posix(), message, line)


def _missing(path: Path, name: str) -> str:
    there = sorted(each.name for each in path.parent.glob("*")) if path.parent.is_dir() else []
    return f"It names {name}, which does not exist; {advice(path.name, there, 'write the file, or correct the name.')}"


class _Brought:
    """Modules from outside the folder: of Python, of the requirements, and of the place where the code runs."""

    def __init__(self, folder: Path) -> None:
        files = [path for path in folder.rglob("requirements*") if path.suffix in (".txt", ".in")]
        files += [path for path in (folder / "pyproject.toml",) if path.is_file()]
        words = (_REQUIREMENT.findall(path.read_text(encoding="utf-8")) for path in files)
        self._packages = {_plain(name) for names in words for name in names}

    def brings(self, module: str, *, on_lambda: bool) -> bool:
        """Whether the module may come from outside; a package's name often contains that of its module.

        A function finds the modules of Lambda's runtime; tests and the demo find those of this environment.
        """
        name = _plain(_OTHERWISE_NAMED.get(module, module))
        named = any(name in package or package in name or _abbreviates(name, package) for package in self._packages)
        return (
            named
            or module in sys.stdlib_module_names
            or (module in _OF_THE_RUNTIME if on_lambda else _is_installed(module))
        )


@cache
def _is_installed(module: str) -> bool:
    return module.startswith("__") or find_spec(module) is not None


def _abbreviates(name: str, package: str) -> bool:
    """Whether the package's name contains the name's letters in this order, as pillow contains those of PIL."""
    letters = iter(package)
    return all(letter in letters for letter in name)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()


def _settings_of(checked: CheckedPattern, logical_id: str) -> list[Setting]:
    """The settings that a function's handler loads, itself or in a module that it imports."""
    function = next((each for each in checked.pattern.functions if each.logical_id == logical_id), None)
    if function is None or not function.python:
        return []
    waiting = [function.code.joinpath(*re.split(r"[./]", function.handler)[:-1]).with_suffix(".py")]
    seen: list[Path] = []
    settings: dict[Setting, None] = {}
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.append(path)
        settings |= dict.fromkeys(read(path).settings())
        waiting += [function.code / f"{each.name}.py" for each in read(path).imports]
    return list(settings)


def _fault(checked: CheckedPattern, function: Resource, setting: Setting) -> str | None:
    variables = function.properties.get("Environment", {}).get("Variables", {})
    variable = setting.name.upper()
    if setting.optional or not isinstance(variables, dict) or _OF_LAMBDA.match(variable):
        return None
    if variable not in variables:
        meant = advice(
            variable, sorted(variables), f"add it under Environment, or write '{setting.name}: {setting.type} | None'."
        )
        return f"setting {setting.name} is read from {variable}, which is not among its environment variables; {meant}"
    value = variables[variable]
    parameter = value.get("Ref") if isinstance(value, dict) else None
    if "Condition" in function.body:
        return None  # the function may exist only if the parameter has a value
    if parameter in checked.parameters and checked.parameters[parameter].get("Default") == "":
        return (
            f"setting {setting.name} is empty when {parameter} has its default, ''; "
            f"write '{setting.name}: {setting.type} | None', or another default."
        )
    return None
