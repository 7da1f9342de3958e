"""Spares cfn-lint work that it does over and over with the same outcome: about a third of a run.

None of this changes what is found, which a test compares. Each step is left out where a version of cfn-lint does not
have what it takes hold of; linting then only takes longer.
"""

import dataclasses
from collections import defaultdict
from functools import cache, partial
from types import SimpleNamespace
from typing import Any


def quicken(rules: Any) -> None:
    """Take the steps below, once for this process, before `rules` are run."""
    from cfnlint.context import context
    from cfnlint.jsonschema import _filter, validators
    from cfnlint.schema.resolver import RefResolver

    for module in (context, _filter, validators):
        _look_up_fields_once(module)
    _make_validators_without_unused_methods(validators)
    _resolve_references_once(RefResolver)
    if "E1101" in rules:
        _find_rules_by_keyword(type(rules["E1101"]))


def _look_up_fields_once(module: Any) -> None:
    """The fields of a handful of dataclasses are asked for a hundred thousand times."""
    if getattr(module, "fields", None) is dataclasses.fields:
        module.fields = cache(dataclasses.fields)


def _make_validators_without_unused_methods(validators: Any) -> None:
    """A class is made for nearly every schema; comparing and printing its objects is never asked for."""
    if getattr(validators, "dataclass", None) is dataclasses.dataclass:
        validators.dataclass = partial(dataclasses.dataclass, repr=False, eq=False)


def _resolve_references_once(resolver: Any) -> None:
    """Whole schemas are searched for what a reference in them points at, each time it is met."""
    resolve = getattr(resolver, "resolve_fragment", None)
    if resolve is None:
        return
    found: dict[tuple[int, str], tuple[object, Any]] = {}

    def once(self: Any, document: Any, fragment: str) -> Any:
        # The schema is kept, so that no other one can take its id.
        key = id(document), fragment
        if key not in found:
            found[key] = document, resolve(self, document, fragment)
        return found[key][1]

    resolver.resolve_fragment = once


def _find_rules_by_keyword(rule: Any) -> None:
    """The rules that concern a place of a template are looked for among all of them, at every place."""
    ask = getattr(rule, "cfnLint", None)
    if ask is None:
        return

    def ask_those_concerned(self: Any, validator: Any, keywords: Any, instance: Any, schema: Any) -> Any:
        by_keyword = _by_keyword(self)
        concerned = {name: each for keyword in keywords for name, each in by_keyword.get(keyword, {}).items()}
        return ask(SimpleNamespace(child_rules=concerned), validator, keywords, instance, schema) if concerned else ()

    rule.cfnLint = ask_those_concerned


def _by_keyword(rule: Any) -> dict[str, dict[str, Any]]:
    """The rules below one, by the places they concern; grouped again when there are more."""
    count: int
    grouped: dict[str, dict[str, Any]]
    count, grouped = rule.__dict__.get("_rules_by_keyword", (-1, {}))
    if count != len(rule.child_rules):
        grouped = defaultdict(dict)
        for name, each in rule.child_rules.items():
            for keyword in each.keywords if each is not None and each.id else ():
                grouped[keyword][name] = each
        rule.__dict__["_rules_by_keyword"] = len(rule.child_rules), grouped
    return grouped
