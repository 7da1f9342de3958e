"""Caches results that cfn-lint computes again and again, which saves about a third of a run.

The findings stay the same, which a test checks. A step is skipped if cfn-lint's version lacks the internals that it
replaces; linting then only takes longer.
"""

import dataclasses
from collections import defaultdict
from functools import cache, partial
from types import SimpleNamespace
from typing import Any


def quicken(rules: Any) -> None:
    """Apply the steps below, once per process, before `rules` run."""
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
    """Caches the fields of a few dataclasses, which are read a hundred thousand times."""
    if getattr(module, "fields", None) is dataclasses.fields:
        module.fields = cache(dataclasses.fields)


def _make_validators_without_unused_methods(validators: Any) -> None:
    """Omits generated comparison and repr methods of the classes made for nearly every schema, as nothing uses them."""
    if getattr(validators, "dataclass", None) is dataclasses.dataclass:
        validators.dataclass = partial(dataclasses.dataclass, repr=False, eq=False)


def _resolve_references_once(resolver: Any) -> None:
    """Caches the target of a reference in a schema, which is searched for in the whole schema each time."""
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
    """Caches which rules apply to a place of a template, instead of searching all rules at every place."""
    ask = getattr(rule, "cfnLint", None)
    if ask is None:
        return

    def ask_those_concerned(self: Any, validator: Any, keywords: Any, instance: Any, schema: Any) -> Any:
        by_keyword = _by_keyword(self)
        concerned = {name: each for keyword in keywords for name, each in by_keyword.get(keyword, {}).items()}
        return ask(SimpleNamespace(child_rules=concerned), validator, keywords, instance, schema) if concerned else ()

    rule.cfnLint = ask_those_concerned


def _by_keyword(rule: Any) -> dict[str, dict[str, Any]]:
    """The child rules of a rule, grouped by the places that they apply to; grouped again when rules are added."""
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
