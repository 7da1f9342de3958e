"""The JSON schemas that cfn-lint validates by: read when they are needed, and searched once."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any
from urllib.parse import unquote

_MOST_KEPT = 10_000


def apply() -> None:
    """Replace the slow functions around cfn-lint's schemas."""
    _read_schemas_of_rules_when_needed(import_module("cfnlint.rules.jsonschema.CfnLintJsonSchema"))
    _search_a_schema_once(import_module("cfnlint.schema.resolver._resolver"))


def _read_schemas_of_rules_when_needed(module: Any) -> None:
    """Most rules are about resource types that a template does not have: their schemas are not read."""
    rule = module.CfnLintJsonSchema
    base = module.BaseJsonSchema

    def initialize(self: Any, keywords: Any = None, schema_details: Any = None, all_matches: bool = False) -> None:
        base.__init__(self)
        self.keywords = keywords or []
        self.parent_rules = ["E1101"]
        self.all_matches = all_matches
        self._use_schema_arg = not schema_details
        if schema_details:
            self.__dict__["_details"] = schema_details
        else:
            self._schema = {}

    def read(self: Any, name: str) -> Any:
        details = self.__dict__.get("_details") if name == "_schema" else None
        if details is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._schema = module.load_resource(details.module, filename=details.filename)
        return self._schema

    rule.__init__ = initialize
    rule.__getattr__ = read


def _search_a_schema_once(module: Any) -> None:
    index = _Index(module)
    module.RefResolver._get_subschemas_cache = lambda resolver: index.parts(resolver.referrer)
    module.RefResolver.resolve_fragment = lambda _, document, fragment: index.part(document, fragment)


class _Index:
    """Remembers the parts of a schema that have an id, and what a reference in it points at.

    cfn-lint searches the whole schema for each reference. The schemas are kept beside what was found in them, so that
    no other schema can take their `id()`.
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        self._parts: dict[int, tuple[Any, dict[str, list[Any]]]] = {}
        self._found: dict[tuple[int, str], tuple[Any, Any]] = {}

    def parts(self, document: Any) -> dict[str, list[Any]]:
        """The parts of a schema that have a keyword such as `$id`, by that keyword."""
        known = self._parts.get(id(document))
        if known is None:
            by_keyword: dict[str, list[Any]] = {keyword: [] for keyword in self._module._SUBSCHEMAS_KEYWORDS}
            for keyword, part in self._module._search_schema(document, self._module._match_subschema_keywords):
                by_keyword[keyword].append(part)
            if len(self._parts) >= _MOST_KEPT:
                self._parts.clear()
            known = self._parts[id(document)] = document, by_keyword
        return known[1]

    def part(self, document: Any, fragment: str) -> Any:
        """What a fragment such as `/definitions/Tag` points at. Raises cfn-lint's RefResolutionError."""
        key = id(document), fragment
        known = self._found.get(key)
        if known is None:
            if len(self._found) >= _MOST_KEPT:
                self._found.clear()
            known = self._found[key] = document, self._resolved(document, fragment.lstrip("/"))
        return known[1]

    def _resolved(self, document: Any, fragment: str) -> Any:
        if not fragment:
            return document
        for keyword in ("id", "$id"):
            for part in self.parts(document)[keyword]:
                if part[keyword] == "#" + fragment:
                    return part
        return _walked(document, fragment, self._module.RefResolutionError)


def _walked(document: Any, fragment: str, error: type[Exception]) -> Any:
    """What a JSON pointer points at."""
    for part in unquote(fragment).split("/"):
        name: str | int = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Sequence) and str(name).lstrip("-").isdecimal():
            name = int(name)
        try:
            document = document[name]
        except (TypeError, LookupError) as cause:
            raise error(f"Unresolvable JSON pointer: {fragment!r}") from cause
    return document
