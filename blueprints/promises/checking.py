"""Asks patterns whether they keep their promises. A promise is found by what it is: a function that takes a Subject."""

import gc
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import blueprints.promises
from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern
from blueprints.promises.causes import once_each
from blueprints.promises.finding import Finding
from blueprints.promises.subject import Breach, Subject

Promise = Callable[[Subject], Iterator[Breach]]


@dataclass(frozen=True)
class Report:
    """What was found in one pattern, in the order of files and lines."""

    pattern: Pattern
    findings: list[Finding]
    waiting: tuple[str, ...] = ()
    """Rules that cannot be judged before some of the findings are mended."""


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


def check(patterns: Sequence[Pattern]) -> list[Report]:
    """Ask each pattern for every promise."""
    with _no_collection():
        return [_report(Subject(pattern)) for pattern in patterns]


def findings(subject: Subject, asked: Sequence[Promise] | None = None) -> list[Finding]:
    """What breaks the promises that are asked for, all of them if none is named; each cause is reported once."""
    return _report(subject, asked).findings


def _report(subject: Subject, asked: Sequence[Promise] | None = None) -> Report:
    found: set[Finding] = set()
    waiting: list[str] = []
    for promise in promises() if asked is None else asked:
        rule = rule_of(promise)
        try:
            found |= {Finding(each.file, each.line, rule, each.message) for each in promise(subject)}
        except BlueprintError:
            if not (subject.refusal or subject.is_misspelt):
                raise
            # Why is a finding of its own: SAM refuses the template, or names in it stand for nothing.
            waiting.append(rule)
    return Report(subject.pattern, once_each(found, subject.undeclared), tuple(waiting))


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
