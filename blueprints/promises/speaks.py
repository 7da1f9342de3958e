"""Speaks: the folder is complete, and every README has the same sections in the same order."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from blueprints import readme_pictures, readme_tables, samconfig
from blueprints.errors import BlueprintError
from blueprints.findings import Finding
from blueprints.pattern import REQUIREMENTS
from blueprints.promises.checked_pattern import CheckedPattern

README = "README.md"
SECTIONS = (
    ("Try it locally", r"try it"),
    ("Deploy", r"^deploy"),
    ("Parameters and outputs", r"parameters.*outputs"),
    ("How it works", r"how it works"),
    ("What happens when things fail", r"fail"),
    ("What it costs", r"cost"),
    ("Limits and when not to use it", r"limits|when not to use"),
    ("Clean up", r"clean(ing)? ?up"),
)

_COMPLETE = ("template.yaml", README, "LICENSE", "demo.py", "events", "tests")
_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[^\]]*\])?\s*==\s*[^\s;*]+\s*(;.*)?")
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]+\)|<img\b|<picture\b|^```")


@dataclass(frozen=True)
class _Heading:
    line: int
    level: int
    words: str


def the_folder_is_complete(checked: CheckedPattern) -> Iterator[Finding]:
    """The folder has all a copy needs: template, README, licence, demo, environments, events, tests, requirements."""
    samconfigs = (name for name in samconfig.NAMES if (checked.pattern.folder / name).is_file())
    for name in (*_COMPLETE, next(samconfigs, samconfig.NAMES[0]), *_locks(checked)):
        path = checked.pattern.folder / name
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            yield checked.finding_in(name, f"{name} is missing or empty; write it.")


def readme_begins_with_one_sentence_and_a_picture(checked: CheckedPattern) -> Iterator[Finding]:
    """The README begins with one sentence that says what the pattern does, and a picture."""
    if not checked.readme:
        return
    headings = _headings(checked)
    end = headings[1].line - 1 if len(headings) > 1 else len(checked.readme)
    beginning = checked.readme[1:end]
    first = " ".join("\n".join(beginning).strip().partition("\n\n")[0].split())
    if (
        not headings
        or headings[0].level != 1
        or not re.fullmatch(r"[A-Z`*].*[.]", first)
        or re.search(r"[.!?] [A-Z]", first)
    ):
        yield checked.finding_in(
            README, "The README does not begin with '# NAME' and one sentence; write what the pattern does."
        )
    if not any(_PICTURE.search(line) for line in beginning):
        yield checked.finding_in(
            README, "No picture comes before the first section; write '![what it shows](picture.webp)'."
        )


def readme_has_its_sections_in_order(checked: CheckedPattern) -> Iterator[Finding]:
    """The README has the same sections, in the same order, as every other pattern's."""
    position = 0
    missing = [title for title, form in SECTIONS if _section(checked, form) is None]
    if missing:
        titles, headings = ", ".join(f"'{title}'" for title in missing), ", ".join(f"'## {title}'" for title in missing)
        several = len(missing) > 1
        yield checked.finding_in(
            README, f"There {'are' if several else 'is'} no section{'s' * several} {titles}; write {headings}."
        )
    for title, form in SECTIONS:
        found = _section(checked, form)
        if found and found.line < position:
            order = ", ".join(title for title, _ in SECTIONS)
            yield checked.finding_in(
                README, f"Section '{title}' is not in its place; put it in this order: {order}.", found.line
            )
        position = max(position, found.line if found else 0)


def readme_lists_every_parameter_and_output(checked: CheckedPattern) -> Iterator[Finding]:
    """The README's tables list the template's parameters and outputs; `blueprints tables` writes them."""
    marked = readme_tables.marked("\n".join(checked.readme))
    for kind, (line, table) in marked.items():
        if table != readme_tables.table(kind, checked.template):
            message = (
                f"The table of {kind} differs from the template; run 'blueprints tables {checked.pattern.argument}'."
            )
            yield checked.finding_in(README, message, line)
    section = _section(checked, dict(SECTIONS)["Parameters and outputs"])
    if section is None or len(marked) == len(("parameters", "outputs")):
        return
    listed = dict(_first_cells(checked, section))
    known = [*checked.parameters, *checked.outputs]
    missing, gone = [name for name in known if name not in listed], [name for name in listed if name not in known]
    if len(missing) == len(gone) == 1:
        message = f"The template has {missing[0]} and no {gone[0]}; write the new name, or another row."
        yield checked.finding_in(README, message, listed[gone[0]])
        return
    for name in missing:
        yield checked.finding_in(README, f"{name} is not listed; write a row '| `{name}` | … |'.", section.line)
    for name in gone:
        message = f"The template has no parameter or output {name}; remove the row."
        yield checked.finding_in(README, message, listed[name])


def readme_shows_every_state_machine(checked: CheckedPattern) -> Iterator[Finding]:
    """The README shows a picture of each state machine, drawn from its definition; `blueprints tables` draws it."""
    renewing = f"'blueprints tables {checked.pattern.argument}'"
    try:
        pictures = readme_pictures.pictures(checked.template)
    except BlueprintError as error:
        yield checked.finding(f"No picture can be drawn: {error.what.rstrip('.')}; correct it.", "Resources")
        return
    for name, picture in pictures.items():
        path = checked.pattern.folder / name
        if not path.is_file():
            yield checked.finding_in(name, f"The picture is missing; make it with {renewing}.")
        elif path.read_text(encoding="utf-8") != picture:
            yield checked.finding_in(name, f"The picture differs from the definition; make it with {renewing}.")
        if checked.readme and not readme_pictures.is_shown("\n".join(checked.readme), name):
            yield checked.finding_in(README, f"{name} is not shown; write '![what it shows]({name})'.")


def readme_says_what_it_costs(checked: CheckedPattern) -> Iterator[Finding]:
    """The README says what the pattern costs: the formula, and an example month in dollars."""
    section = _section(checked, dict(SECTIONS)["What it costs"])
    if section is None:
        return
    words = " ".join(checked.readme[section.line : _end(checked, section)]).lower()
    if "$" not in words or "month" not in words:
        message = "The costs are not calculated; write the formula and one month's bill in $."
        yield checked.finding_in(README, message, section.line)


def the_demo_has_a_run(checked: CheckedPattern) -> Iterator[Finding]:
    """The demo has a function `run(stack)`, which works on any stack of the pattern."""
    path = checked.pattern.folder / "demo.py"
    if not path.is_file():
        return
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        yield checked.finding_in("demo.py", f"This is not Python: {error.msg}; correct it.", error.lineno or 1)
        return
    runs = [each for each in body if isinstance(each, ast.FunctionDef) and each.name == "run"]
    if not runs:
        yield checked.finding_in("demo.py", "demo.py has no function run; write 'def run(stack): …'.")
    elif len(runs[0].args.args) != 1:
        yield checked.finding_in(
            "demo.py", "run does not have the stack as its only parameter; write 'def run(stack): …'.", runs[0].lineno
        )


def requirements_are_pinned(checked: CheckedPattern) -> Iterator[Finding]:
    """Every line of a function's requirements.txt pins one version."""
    for lock in _locks(checked):
        path = checked.pattern.folder / lock
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        for number, line in enumerate(lines, 1):
            words = line.partition(" #")[0].strip().rstrip("\\").strip()
            if words and not words.startswith(("#", "--")) and not _PINNED.fullmatch(words):
                message = f"'{words}' is not pinned; make the lock with the command that 'blueprints build' prints."
                yield checked.finding_in(lock, message, number)


def _locks(checked: CheckedPattern) -> list[str]:
    """The requirements.txt of every code folder that exists."""
    home = checked.pattern.folder.resolve()
    codes = {function.code for function in checked.pattern.functions}
    own = (code for code in codes if code.is_dir() and code.is_relative_to(home))
    return sorted((code / REQUIREMENTS).relative_to(home).as_posix() for code in own)


def _headings(checked: CheckedPattern) -> list[_Heading]:
    found, fenced = [], False
    for number, line in enumerate(checked.readme, 1):
        fenced ^= line.startswith("```")
        heading = re.match(r"(#+)\s+(.*)", line)
        if heading and not fenced:
            found.append(_Heading(number, len(heading[1]), re.sub(r"[*_`,]", "", heading[2]).strip().lower()))
    return found


def _section(checked: CheckedPattern, form: str) -> _Heading | None:
    return next((each for each in _headings(checked) if each.level == 2 and re.search(form, each.words)), None)


def _end(checked: CheckedPattern, section: _Heading) -> int:
    following = (each.line - 1 for each in _headings(checked) if each.line > section.line and each.level <= 2)
    return next(following, len(checked.readme))


def _first_cells(checked: CheckedPattern, section: _Heading) -> Iterator[tuple[str, int]]:
    for number in range(section.line + 1, _end(checked, section) + 1):
        cell = re.match(r"\|\s*`(\w+)`\s*\|", checked.readme[number - 1])
        if cell:
            yield cell[1], number
