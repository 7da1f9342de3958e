"""Asks patterns whether they keep their promises. A promise is found by what it is: a function that takes a Subject."""

import gc
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import blueprints.promises
from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern, name_of, template_at
from blueprints.promises.causes import once_each
from blueprints.promises.finding import Finding
from blueprints.promises.lint_ahead import linting_ahead
from blueprints.promises.passes_lint import (
    LINTING,
    linted,
    refused,
    sam_takes_the_template,
    template_passes_cfn_lint,
)
from blueprints.promises.subject import Breach, Subject

Promise = Callable[[Subject], Iterator[Breach]]


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
    """Every promise: the public functions of this package's modules that take a Subject and nothing else."""
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
        subjects = [each for each in loaded if isinstance(each, Subject)]
        for subject in subjects:
            if subject.is_expanded:
                ahead.lint_expanded(subject.expanded, subject.plain_resources)
        others = [each for each in promises() if each not in LINTING]
        answers = {id(subject): _ask(subject, others) for subject in subjects}
        ahead.wait()
        return [
            _report(each, answers[id(each)] | _ask(each, LINTING)) if isinstance(each, Subject) else _unreadable(*each)
            for each in loaded
        ]


def findings(subject: Subject, asked: Sequence[Promise] | None = None) -> list[Finding]:
    """The breaches of the given promises (by default, all of them), each cause reported once."""
    return _report(subject, _ask(subject, promises() if asked is None else asked)).findings


def _loaded(template: Path) -> Subject | tuple[Path, BlueprintError]:
    try:
        return Subject(Pattern.load(template))
    except BlueprintError as error:
        return template, error


def _unreadable(template: Path, error: BlueprintError) -> Report:
    """The report on a template that cannot be read: the reason, and cfn-lint's findings in the file."""
    breaches = [(rule_of(sam_takes_the_template), refused(template, error))]
    breaches += [(rule_of(template_passes_cfn_lint), each) for each in linted(template)]
    found = once_each([Finding(each.file, each.line, rule, each.message) for rule, each in breaches], ())
    broken = {each.rule for each in found}
    waiting = tuple(rule for rule in map(rule_of, promises()) if rule not in broken)
    return Report(name_of(template), found, waiting)


def _ask(subject: Subject, asked: Iterable[Promise]) -> dict[Promise, set[Finding] | None]:
    """The findings of each promise; None if it cannot be checked until the template is corrected."""
    answers: dict[Promise, set[Finding] | None] = {}
    for promise in asked:
        rule = rule_of(promise)
        try:
            answers[promise] = {Finding(each.file, each.line, rule, each.message) for each in promise(subject)}
        except BlueprintError:
            if not (subject.refusal or subject.is_misspelt):
                raise
            # Another finding has the reason: SAM refuses the template, or names in it are misspelt.
            answers[promise] = None
    return answers


def _report(subject: Subject, answers: Mapping[Promise, set[Finding] | None]) -> Report:
    in_order = sorted(answers, key=promises().index)
    found = {finding for promise in in_order for finding in answers[promise] or ()}
    waiting = tuple(rule_of(promise) for promise in in_order if answers[promise] is None)
    return Report(subject.pattern.name, once_each(found, subject.undeclared), waiting)


def _is_promise(name: str, function: Callable[..., object]) -> bool:
    taken = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
    return not name.startswith("_") and taken == [Subject]


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection: linting loads millions of objects that stay, and looking through them costs a tenth."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
