"""Reads imports and settings from the source of a folder's Python files, without running them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

_LEFT_OUT = ("__pycache__", "node_modules", "vendor", "build", "dist")
_SETTINGS = "blueprints_shared.settings"
_NOT_FOUND = ("ImportError", "ModuleNotFoundError", "Exception")
_DEFAULTS = ("default", "default_factory")


@dataclass(frozen=True)
class Import:
    """A module that a file imports; `name` is its first part."""

    name: str
    line: int


@dataclass(frozen=True)
class Setting:
    """A field of a dataclass that `load` fills from the environment variable of its name."""

    name: str
    optional: bool
    """Whether it may be empty: it has a default, or a type that allows None."""
    file: Path
    line: int
    type: str


def python_files(folder: Path) -> list[Path]:
    """The Python files of a folder, except those in hidden and generated folders."""
    found = (path for path in folder.rglob("*.py") if path.is_file())
    return sorted(path for path in found if not any(_is_left_out(part) for part in path.relative_to(folder).parts))


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT


def read(path: Path) -> "Source":
    """A file as it is now; parsed once."""
    about = path.stat()
    return _read(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int, _size: int) -> "Source":
    return Source(path)


@dataclass(frozen=True)
class Source:
    """One Python file; a file with a syntax error has neither imports nor settings."""

    path: Path

    @cached_property
    def _text(self) -> bytes:
        return self.path.read_bytes()

    @cached_property
    def _tree(self) -> ast.Module:
        try:
            return ast.parse(self._text, str(self.path))
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every module that the file requires; optional imports are left out."""
        return tuple(_imports(self._tree))

    def samples(self) -> Iterator[tuple[str, int]]:
        """The events that tests ask the fixture `sample` for by name, with their lines."""
        for node in ast.walk(self._tree) if b"sample" in self._text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sample":
                texts = [each for each in node.args if isinstance(each, ast.Constant)]
                yield from ((each.value, each.lineno) for each in texts if isinstance(each.value, str))

    def settings(self) -> Iterator[Setting]:
        """Every setting that the file loads: the fields of `Settings` in `load(Settings)`, inherited ones included."""
        if b"blueprints_shared" not in self._text:
            return
        loader = next((name for name, (module, of) in self._names.items() if (module, of) == (_SETTINGS, "load")), None)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == loader:
                given = node.args[0] if node.args else None
                if isinstance(given, ast.Name):
                    yield from self._fields(given.id)

    @cached_property
    def _names(self) -> dict[str, tuple[str, str]]:
        """Names that the file imports from modules: the module, and the name there."""
        imports = (node for node in ast.walk(self._tree) if isinstance(node, ast.ImportFrom) and node.module)
        return {alias.asname or alias.name: (node.module or "", alias.name) for node in imports for alias in node.names}

    def _fields(self, name: str) -> Iterator[Setting]:
        if name in self._names:
            module, there = self._names[name]
            path = self.path.parent.joinpath(*module.split(".")).with_suffix(".py")
            if path.is_file():
                yield from read(path)._fields(there)
            return
        for node in self._tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                for base in node.bases:
                    if isinstance(base, ast.Name):
                        yield from self._fields(base.id)
                yield from (_setting(self.path, each) for each in node.body if isinstance(each, ast.AnnAssign))


def _setting(path: Path, field: ast.AnnAssign) -> Setting:
    name = field.target.id if isinstance(field.target, ast.Name) else ""
    kind = ast.unparse(field.annotation)
    return Setting(name, _may_be_none(kind) or _has_default(field.value), path, field.lineno, kind)


def _may_be_none(kind: str) -> bool:
    return "None" in kind.replace(" ", "").split("|") or kind.rpartition(".")[2].startswith("Optional[")


def _has_default(value: ast.expr | None) -> bool:
    """Whether a field has a default; a call such as `parsed(…)` gives one only by its argument `default`."""
    if isinstance(value, ast.Call):
        return any(keyword.arg in _DEFAULTS for keyword in value.keywords)
    return value is not None


def _imports(node: ast.AST) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name.partition(".")[0], child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
            yield Import(child.module.partition(".")[0], child.lineno)
        elif not _can_do_without(child):
            yield from _imports(child)


def _can_do_without(node: ast.AST) -> bool:
    """Whether an import is optional: `try: import x` that handles its absence, or `if TYPE_CHECKING:`."""
    if isinstance(node, ast.Try):
        caught = " ".join(ast.unparse(each.type) if each.type else "Exception" for each in node.handlers)
        return any(name in caught for name in _NOT_FOUND)
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
