"""Checks patterns. A promise is a public function in this package whose only parameter is a CheckedPattern."""

import gc
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import blueprints.promises
from blueprints.errors import BlueprintError
from blueprints.findings import Finding
from blueprints.pattern import Pattern, name_of, template_at
from blueprints.promises.causes import once_each
from blueprints.promises.checked_pattern import CheckedPattern
from blueprints.promises.lint_ahead import linting_ahead
from blueprints.promises.passes_lint import (
    LINTING,
    linted,
    refused,
    sam_takes_the_template,
    template_passes_cfn_lint,
)

Promise = Callable[[CheckedPattern], Iterator[Finding]]


@dataclass(frozen=True)
class Report:
    """The findings in one pattern, sorted by file and line."""

    name: str
    """The pattern's name."""
    findings: list[Finding]
    waiting: tuple[str, ...] = ()
    """Rules that cannot be checked until some of the findings are corrected."""


@cache
def promises() -> tuple[Promise, ...]:
    """Every promise: the public functions of this package's modules that take a CheckedPattern and nothing else."""
    names = sorted(module.name for module in pkgutil.iter_modules(blueprints.promises.__path__))
    modules = [importlib.import_module(f"blueprints.promises.{name}") for name in names]
    return tuple(
        function
        for module in modules
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and _is_promise(name, function)
    )


def rule_of(promise: Promise) -> str:
    """A promise's name as people write it: `functions-are-traced`."""
    return promise.__name__.replace("_", "-")


def check(paths: Sequence[Path]) -> list[Report]:
    """Check every promise of the pattern in each folder. Raises BlueprintError for a folder without a template."""
    templates = [template_at(path) for path in paths]
    with _no_collection(), linting_ahead(templates) as ahead:
        loaded = [_loaded(template) for template in templates]
        patterns = [each for each in loaded if isinstance(each, CheckedPattern)]
        for checked in patterns:
            if checked.is_expanded:
                ahead.lint_expanded(checked.expanded, checked.plain_resources)
        others = [each for each in promises() if each not in LINTING]
        answers = {id(checked): _ask(checked, others) for checked in patterns}
        ahead.wait()
        return [
            _report(each, answers[id(each)] | _ask(each, LINTING))
            if isinstance(each, CheckedPattern)
            else _unreadable(*each)
            for each in loaded
        ]


def findings(checked: CheckedPattern, asked: Sequence[Promise] | None = None) -> list[Finding]:
    """What the given promises (by default, all of them) find, each cause once."""
    return _report(checked, _ask(checked, promises() if asked is None else asked)).findings


def _loaded(template: Path) -> CheckedPattern | tuple[Path, BlueprintError]:
    try:
        return CheckedPattern(Pattern.load(template))
    except BlueprintError as error:
        return template, error


def _unreadable(template: Path, error: BlueprintError) -> Report:
    """The report on a template that cannot be read: the reason, and cfn-lint's findings in the file."""
    found = _named(sam_takes_the_template, [refused(template, error)])
    found |= _named(template_passes_cfn_lint, linted(template))
    kept = once_each(found, ())
    broken = {each.rule for each in kept}
    waiting = tuple(rule for rule in map(rule_of, promises()) if rule not in broken)
    return Report(name_of(template), kept, waiting)


def _ask(checked: CheckedPattern, asked: Iterable[Promise]) -> dict[Promise, set[Finding] | None]:
    """The findings of each promise; None if it cannot be checked until the template is corrected."""
    answers: dict[Promise, set[Finding] | None] = {}
    for promise in asked:
        try:
            answers[promise] = _named(promise, promise(checked))
        except BlueprintError:
            if not (checked.refusal or checked.is_misspelt):
                raise
            # Another finding has the reason: SAM rejects the template, or names in it are misspelt.
            answers[promise] = None
    return answers


def _named(promise: Promise, found: Iterable[Finding]) -> set[Finding]:
    """The findings of a promise, with its name as their rule."""
    return {replace(each, rule=rule_of(promise)) for each in found}


def _report(checked: CheckedPattern, answers: Mapping[Promise, set[Finding] | None]) -> Report:
    in_order = sorted(answers, key=promises().index)
    found = {finding for promise in in_order for finding in answers[promise] or ()}
    waiting = tuple(rule_of(promise) for promise in in_order if answers[promise] is None)
    return Report(checked.pattern.name, once_each(found, checked.undeclared), waiting)


def _is_promise(name: str, function: Callable[..., object]) -> bool:
    taken = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
    return not name.startswith("_") and taken == [CheckedPattern]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Turns garbage collection off: linting makes millions of objects, and all of them stay."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
