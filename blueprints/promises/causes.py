"""Reports each cause once: a finding that another one explains is left out.

The finding that stays names the checks of cfn-lint that found the same cause, as `[cfn-lint E1020, E3031]`.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from blueprints.findings import Finding
from blueprints.template.references import Undeclared

_LINT = re.compile(r"\(cfn-lint ([EWI]\d{4})\)")
_VALUE = re.compile(r"'[^']*'")
_UNUSED = "not used (cfn-lint "
_SETS = re.compile(r"(\S+) (sets \w+, which the template .*)")
_OWN_CHECKS = ("sam-takes-the-template", "template-has-no-problems")
_COMPLETE = "the-folder-is-complete"
# cfn-lint's messages about one value, the vaguest last.
_VAGUE = ("is not one of", "does not match", "is not valid under any of the given schemas")


def once_each(found: Iterable[Finding], undeclared: Iterable[Undeclared]) -> list[Finding]:
    """Leave out findings that another one explains. Returns the others, sorted by file and line.

    Explained are: findings that mention an undeclared name; cfn-lint's findings on a line that our own checks report,
    and its further findings about the same value; other findings about a file that does not exist.
    """
    kept = sorted(found)
    for name in undeclared:
        kept = _without_mentions_of(name, kept)
    kept = _without_lint_beside(kept)
    kept = _without_unused_conditions(kept)
    kept = _without_repeated_lint(kept)
    kept = _without_other_environments(kept)
    return sorted(_without_what_a_missing_file_lacks(kept))


def _without_mentions_of(name: Undeclared, found: list[Finding]) -> list[Finding]:
    declared = re.compile(rf"\bthere is no [a-z ]+ {re.escape(name.name)}\b")
    root = next((each for each in found if each.rule in _OWN_CHECKS and declared.search(each.message)), None)
    if root is None:
        return found
    mentions = re.compile("|".join(rf"\b{re.escape(each)}\b" for each in (name.name, *name.derived)))
    explained = [
        each for each in found if each != root and (mentions.search(each.message) or _is_unused(each, name.meant))
    ]
    return _absorbed(root, explained, found)


def _is_unused(finding: Finding, names: tuple[str, ...]) -> bool:
    return _UNUSED in finding.message and bool(set(names) & set(finding.message.split()))


def _without_lint_beside(found: list[Finding]) -> list[Finding]:
    for root in [each for each in found if each.rule in _OWN_CHECKS]:
        explained = [each for each in found if _is_lint(each) and _place(each) == _place(root)]
        found = _absorbed(root, explained, found)
    return found


def _without_unused_conditions(found: list[Finding]) -> list[Finding]:
    for root in [each for each in found if not _is_lint(each)]:
        named = re.search(r"\bcondition (\w+) is not used\b", root.message)
        if named:
            explained = [each for each in found if each.message.startswith(f"Condition {named[1]} {_UNUSED}")]
            found = _absorbed(root, explained, found)
    return found


def _without_repeated_lint(found: list[Finding]) -> list[Finding]:
    """Of several findings of cfn-lint about one value on a line, keep the most specific one."""
    same: dict[tuple[Path, int, str], list[Finding]] = {}
    for each in filter(_is_lint, found):
        value = _VALUE.match(each.message)
        same.setdefault((*_place(each), value[0] if value else each.message), []).append(each)
    for several in same.values():
        root, *explained = sorted(several, key=_vagueness)
        found = _absorbed(root, explained, found)
    return found


def _without_other_environments(found: list[Finding]) -> list[Finding]:
    """One finding for a parameter that several environments of the samconfig file set and the template lacks."""
    same: dict[str, list[tuple[str, Finding]]] = {}
    for each in found:
        said = _SETS.match(each.message)
        if said:
            same.setdefault(said[2], []).append((said[1], each))
    for what, several in same.items():
        (name, root), *others = several
        if others:
            told = replace(root, message=f"{name} (and {', '.join(other for other, _ in others)}) {what}")
            found = [told if each == root else each for each in found if each not in [other for _, other in others]]
    return found


def _vagueness(finding: Finding) -> tuple[int, bool]:
    ranks = [rank for rank, words in enumerate(_VAGUE) if words in finding.message]
    return max(ranks, default=0), finding.rule.startswith("expanded")


def _without_what_a_missing_file_lacks(found: list[Finding]) -> list[Finding]:
    missing = {each.file for each in found if each.rule == _COMPLETE}
    return [
        each
        for each in found
        if each.rule == _COMPLETE or not (each.file in missing or _says_it_is_missing(each, missing))
    ]


def _says_it_is_missing(finding: Finding, files: set[Path]) -> bool:
    return any(f"{file.name}, which does not exist" in finding.message for file in files)


def _absorbed(root: Finding, explained: list[Finding], found: list[Finding]) -> list[Finding]:
    """The findings without those that `root` explains; their cfn-lint checks are added to its message."""
    said = {root.message, *(each.message for each in explained)}
    checks = sorted({check for message in said for check in _LINT.findall(message)} - set(_LINT.findall(root.message)))
    told = replace(root, message=f"{root.message} [cfn-lint {', '.join(checks)}]") if checks else root
    left = [each for each in found if each not in explained]
    return [told if each == root else each for each in left]


def _is_lint(finding: Finding) -> bool:
    return bool(_LINT.search(finding.message))


def _place(finding: Finding) -> tuple[Path, int]:
    return finding.file, finding.line
