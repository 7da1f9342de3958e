"""Whether a function's handler exists, by its source, without importing it."""

import ast
import re
from pathlib import Path

from blueprints.template.schemas import advice


def missing_handler(folder: Path, handler: str, *, elsewhere: bool) -> str | None:
    """The mistake in a Python handler such as `render_image.handler`; None if there is none.

    `elsewhere`: layers may bring the module, so that its absence from the folder says nothing.
    """
    module, dot, function = handler.rpartition(".")
    if not dot or not module or not function:
        return f"Handler '{handler}' is not of the form file.function; write for example 'render_image.handler'."
    source = _source(folder, module)
    if source is None:
        if elsewhere or _installed(folder, module):
            return None
        files = tuple(sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__"))
        wanted = module.replace(".", "/") + ".py"
        return f"Handler '{handler}': there is no {wanted} in {folder.name}/; {advice(module, files, 'write it.')}"
    try:
        names = _names(ast.parse(source.read_bytes(), str(source)))
    except (SyntaxError, ValueError) as error:
        return f"Handler '{handler}': {source.name} is not Python: {error}; correct it."
    if function in names or "*" in names:
        return None
    functions = tuple(sorted(name for name in names if not name.startswith("_")))
    return f"Handler '{handler}': {source.name} defines no '{function}'; {advice(function, functions, 'write it.')}"


def _source(folder: Path, module: str) -> Path | None:
    place = folder.joinpath(*re.split(r"[./]", module))
    for candidate in (place.with_name(place.name + ".py"), place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _installed(folder: Path, module: str) -> bool:
    """Whether the function's requirements bring the module, as wrappers such as `datadog_lambda.handler` do."""
    requirements = folder / "requirements.txt"
    if not requirements.is_file():
        return False
    top = re.split(r"[./]", module)[0]
    named = re.findall(r"^\s*([A-Za-z0-9][\w.-]*)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    return _normal(top) in {_normal(name) for name in named}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(tree: ast.AST) -> set[str]:
    """Names bound at a module's top level, also inside its if, try and with."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return names
