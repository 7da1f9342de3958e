"""Packages for this machine, and what a person should know about them."""

from blueprints.packaging.build import Package, build
from blueprints.packaging.interpreters import stand_in
from blueprints.packaging.lambda_runtime import runtime_environment
from blueprints.pattern import Pattern
from blueprints.progress import Report


def host_packages(pattern: Pattern, report: Report) -> tuple[list[Package], list[str]]:
    """A pattern's packages for this machine, and notes for the user, such as which Python stands in for another."""
    packages, notes = build(pattern, "host", report=report, unpinned=True), []
    for version in sorted({function.python for function in pattern.functions if function.python}):
        interpreter = stand_in(version)
        runtime_environment(interpreter.interpreter, report)
        if interpreter.is_wanted:
            notes.append(str(interpreter))
    notes.extend(dict.fromkeys(warning for package in packages for warning in package.warnings))
    return packages, notes
