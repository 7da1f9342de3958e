"""Applies the .gitignore files of a folder, and of the folders above it, by git's rules.

`pathspec` translates the patterns into regular expressions, which are kept in the cache: importing it takes as long as
a tenth of a build that has nothing to do.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as memoized
from pathlib import Path

from blueprints import cache

NAME = ".gitignore"

_KEPT = 64
# The group that pathspec's expressions match a folder's final slash with.
_FOLDER_GROUP = "ps_d"


@dataclass(frozen=True)
class IgnoreRules:
    """The patterns that apply inside one folder: those of its own .gitignore, and of the folders above."""

    files: tuple[tuple[str, tuple["_Pattern", ...]], ...] = ()
    """Outermost first: the folder from a .gitignore down to this one (`a/b/`, or empty), and its patterns."""

    def below(self, name: str, folder: Path) -> "IgnoreRules":
        """The rules inside a subfolder called `name`, with its own .gitignore added."""
        outer = tuple((f"{prefix}{name}/", patterns) for prefix, patterns in self.files)
        own = _patterns_in(folder)
        return IgnoreRules((*outer, ("", own)) if own else outer)

    def ignore(self, name: str, *, is_folder: bool) -> bool:
        """Whether an entry of the folder is ignored: the last pattern that matches decides, the innermost file first.

        An entry of an ignored folder is not asked about: git cannot include it again either.
        """
        for prefix, patterns in reversed(self.files):
            path = f"{prefix}{name}/" if is_folder else f"{prefix}{name}"
            for pattern in reversed(patterns):
                if pattern.matches(path):
                    return pattern.ignores
        return False


@dataclass(frozen=True)
class _Pattern:
    expression: re.Pattern[str]
    ignores: bool
    """False for a pattern that begins with an exclamation mark."""

    def matches(self, path: str) -> bool:
        """Whether this path itself matches; folders above it are checked separately."""
        if _FOLDER_GROUP in self.expression.groupindex:
            return any(found.end(_FOLDER_GROUP) in (-1, len(path)) for found in self.expression.finditer(path))
        found = self.expression.match(path)
        # `folder/**` matches everything in the folder, but not the folder itself.
        return found is not None and not (path.endswith("/") and found.end() == len(path))


def rules_for(folder: Path, top: Path) -> IgnoreRules:
    """The rules inside `folder`, from the root of its git repository down, or without a repository from `top` down.

    The rules of folders above are not applied if they ignore `folder` itself, such as a copy below `build/`.
    """
    outermost = _repository(folder) or top
    for start in (outermost, top):
        if folder.is_relative_to(start):
            rules = _rules_from(start, folder)
            if rules is not None:
                return rules
    return IgnoreRules().below("", folder)


def _rules_from(start: Path, folder: Path) -> IgnoreRules | None:
    """The rules inside a folder, from `start` down to it; None if one of the rules ignores the folder."""
    rules, place = IgnoreRules().below("", start), start
    for part in folder.relative_to(start).parts:
        if rules.ignore(part, is_folder=True):
            return None
        place = place / part
        rules = rules.below(part, place)
    return rules


def _repository(folder: Path) -> Path | None:
    """The root of the git repository of a folder: the folder above it with `.git`, a folder or a worktree's file."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _patterns_in(folder: Path) -> tuple[_Pattern, ...]:
    try:
        text = (folder / NAME).read_bytes().decode("utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ()
    return _translated(text)


@memoized
def _translated(text: str) -> tuple[_Pattern, ...]:
    kept = cache.folder("gitignore") / f"{cache.digest(text.encode(errors='surrogateescape'))[:32]}.json"
    try:
        pairs = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        pairs = list(_translate(text))
        cache.write(kept, json.dumps(pairs).encode())
    return tuple(_Pattern(re.compile(expression), ignores) for expression, ignores in pairs)


def _translate(text: str) -> Iterator[tuple[str, bool]]:
    from pathspec import GitIgnoreSpec

    # pathspec reads `a/**/` as the folder `a`; for git it is each folder below `a`.
    written = (line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n"))
    lines = (f"{line.rstrip()}*/" if line.rstrip().endswith("/**/") else line for line in written)
    for pattern in GitIgnoreSpec.from_lines(lines, backend="simple").patterns:
        if pattern.regex is not None and pattern.include is not None:
            yield pattern.regex.pattern, bool(pattern.include)
