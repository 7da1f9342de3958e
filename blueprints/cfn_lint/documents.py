"""Templates as cfn-lint reads them: values that know where they are written."""

from importlib import import_module
from itertools import count
from typing import Any


def apply() -> None:
    """Replace the slow functions that make and search documents."""
    import_module("cfnlint.decode.node").str_node.__init__ = _initialize
    import_module("cfnlint.template.template").Template._search_deep_keys = _search


def document(template: dict[str, Any]) -> Any:
    """A template that is not in a file, as cfn-lint's decoder would read it from JSON.

    Each value has a place of its own, as cfn-lint reports one finding for each place.
    """
    node, decode = import_module("cfnlint.decode.node"), import_module("cfnlint.decode.decode")
    column = count()

    def read(value: object) -> Any:
        if isinstance(value, dict):
            start, end = mark(), mark()
            return node.dict_node({read(str(name)): read(child) for name, child in value.items()}, start, end)
        if isinstance(value, list):
            start, end = mark(), mark()
            return node.list_node([read(child) for child in value], start, end)
        if isinstance(value, str):
            start = mark()
            return node.str_node(value, start, start)
        if value is None:
            raise ValueError("cfn-lint allows no null")
        return value

    def mark() -> Any:
        return node.Mark(0, next(column))

    try:
        return read(template)
    except ValueError:
        import json

        return decode.decode_str(json.dumps(template))[0]


def _search(_: Any, wanted: Any, tree: Any, path: list[Any]) -> list[list[Any]]:
    """The paths to every key that is, or matches, the wanted one, each with the key's value at its end.

    cfn-lint copies the path at every key.
    """
    found: list[list[Any]] = []
    here = list(path)

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            for key, child in value.items():
                here.append(key)
                if key == wanted if isinstance(wanted, str) else isinstance(key, str) and wanted.match(key):
                    found.append([*here, child])
                if isinstance(child, (dict, list)):
                    visit(child)
                here.pop()
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, (dict, list)):
                    here.append(index)
                    visit(child)
                    here.pop()

    visit(tree)
    return found


# The original catches an exception for each text.
def _initialize(self: Any, _: str, start_mark: Any = None, end_mark: Any = None) -> None:
    self.start_mark = start_mark or _mark()
    self.end_mark = end_mark or _mark()


def _mark() -> Any:
    return import_module("cfnlint.decode.node").Mark()
