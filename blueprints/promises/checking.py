"""Asks patterns whether they keep their promises. A promise is found by what it is: a function that takes a Subject."""

import gc
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import blueprints.promises
from blueprints.errors import BlueprintError, at
from blueprints.pattern import Pattern
from blueprints.promises.subject import Breach, Subject

Promise = Callable[[Subject], Iterator[Breach]]


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of a promise: where it is, which rule it breaks, what is wrong and what to write."""

    file: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{at(self.file, self.line)}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What was found in one pattern, in the order of files and lines."""

    pattern: Pattern
    findings: list[Finding]


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
        return [Report(pattern, findings(Subject(pattern))) for pattern in patterns]


def findings(subject: Subject, asked: Sequence[Promise] | None = None) -> list[Finding]:
    """What breaks the promises that are asked for, all of them if none is named."""
    found: set[Finding] = set()
    for promise in promises() if asked is None else asked:
        rule = rule_of(promise)
        try:
            found |= {Finding(each.file, each.line, rule, each.message) for each in promise(subject)}
        except BlueprintError:
            if not subject.refusal:
                raise
            # SAM refuses the template, which is a finding of its own; nothing can be said of what it would make of it.
    return sorted(found)


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
