"""Reads a folder's samconfig file as `sam deploy` does, by the rules of the SAM CLI (1.170).

Within an environment, a command's section overrides the section `global`; environments do not inherit from each other.
`parameter_overrides` is text, a list, a table, or any mixture of them, and may name files.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

NAMES = ("samconfig.toml", "samconfig.yaml", "samconfig.yml")
"""SAM reads the first of these files that exists."""

_NAME = r"([A-Za-z0-9\"']+)"
_VALUE = r"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|(?:\\.|[^ \"\\])+)"
# If one pair has the long form, SAM ignores those with the short one.
_FORMS = (re.compile(f"ParameterKey={_NAME},ParameterValue={_VALUE}"), re.compile(f" {_NAME}={_VALUE}"))
_FILE = "file://"


class Unreadable(Exception):
    """SAM refuses the file: the reason, and the line (1 if unknown)."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class SamConfig:
    """A folder's samconfig file; empty if there is none."""

    path: Path
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def environments(self) -> list[str]:
        """The names of its environments, in the file's order."""
        return [name for name, each in self.content.items() if isinstance(each, dict)]

    def parameters(self, environment: str, command: str = "deploy") -> dict[str, Any]:
        """The options that SAM uses for a command."""
        sections = self.content.get(environment)
        sections = sections if isinstance(sections, dict) else {}
        found: dict[str, Any] = {}
        for name in ("global", command):
            section = sections.get(name)
            own = section.get("parameters") if isinstance(section, dict) else None
            found |= own if isinstance(own, dict) else {}
        return found

    def overrides(self, environment: str) -> dict[str, str]:
        """The template parameters that `sam deploy` sets. Raises Unreadable if SAM refuses `parameter_overrides`."""
        try:
            written = self.parameters(environment).get("parameter_overrides")
            return {_unquoted(name): _unquoted(value) for name, value in _pairs(written, None, ()).items()}
        except Unreadable as error:
            raise Unreadable(str(error), self.line(environment)) from None

    def line(self, environment: str) -> int:
        """The line of an environment's section for `deploy`, or else of its first section."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        name = re.escape(environment)
        forms = (rf"\[\s*{name}\.deploy\b", rf"\[\s*{name}\b", rf"[\"']?{name}[\"']?\s*:", rf"{name}\s*[.=]")
        found = (number for form in forms for number, line in enumerate(lines, 1) if re.match(form, line))
        return next(found, 1)


def read(folder: Path) -> SamConfig:
    """Read the samconfig file of a folder. Raises Unreadable if SAM refuses it."""
    path = next((folder / name for name in NAMES if (folder / name).is_file()), folder / NAMES[0])
    if not path.is_file():
        return SamConfig(path)
    content = _content(path)
    if content and not isinstance(content.get("version"), float):
        raise Unreadable("SAM requires a version; write 'version = 0.1' at the top" + _in_yaml(path))
    return SamConfig(path, content)


def _in_yaml(path: Path) -> str:
    return "" if path.suffix == ".toml" else " ('version: 0.1' in YAML)"


def _content(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"this is not YAML: {error.problem}", mark.line + 1 if mark else 1) from None
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise Unreadable(str(error), int(line[1]) if line else 1) from None
    if content is not None and not isinstance(content, dict):
        raise Unreadable("this is not a mapping of environments")
    return content or {}


def _pairs(written: object, file: Path | None, including: tuple[Path, ...]) -> dict[str, str]:
    """Names and values of `parameter_overrides`, still quoted; `file` is their file if it is not samconfig's."""
    found: dict[str, str] = {}
    for each in _flat(written):
        if isinstance(each, dict):
            for name, value in each.items():
                found |= _pairs(value, file, including) if name == "$include" else {str(name): _as_text(value)}
        elif isinstance(each, str) and each.startswith(_FILE):
            found |= _of_file(each, file, including)
        elif isinstance(each, str):
            found |= dict(_matched(each))
        else:
            raise Unreadable(f"parameter_overrides holds {each!r}; write NAME=VALUE")
    return found


def _flat(written: object) -> Iterator[object]:
    if isinstance(written, list):
        for each in written:
            yield from _flat(each)
    elif written is not None and written not in ("", {}):
        yield written


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(each).strip() for each in value if each not in (None, ""))
    return "" if value is None else str(value)


def _matched(text: str) -> list[tuple[str, str]]:
    for form in _FORMS:
        if found := form.findall(f" {text.strip()}"):
            return [(name, value) for name, value in found]
    raise Unreadable(f"parameter_overrides holds {text!r}, which SAM refuses; write NAME=VALUE")


def _of_file(name: str, file: Path | None, including: tuple[Path, ...]) -> dict[str, str]:
    path = Path(name.removeprefix(_FILE))
    path = ((file.parent if file else Path.cwd()) / path).resolve()
    if path in including:
        raise Unreadable(f"{path.name} includes itself; take out the reference")
    if not path.is_file() or path.suffix not in (".toml", ".yaml", ".yml"):
        raise Unreadable(f"{name} is not an existing TOML or YAML file; write its path")
    return _pairs(_content(path), path, (*including, path))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return re.sub(r"\\([ \"'])", r"\1", value)
