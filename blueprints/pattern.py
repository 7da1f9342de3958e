"""Reads a pattern from its folder. Patterns are found by their folders; there is no registry."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.folders import project_folder
from blueprints.stack_names import stack_name
from blueprints.template.reading import Template, load

TEMPLATE = "template.yaml"
TEMPLATES = (TEMPLATE, "template.yml", "template.json")
"""Names of a folder's template, in the order in which SAM looks for them."""
REQUIREMENTS = "requirements.txt"
PREREQUISITES = "companions"
"""The folder of a pattern that holds templates to deploy before it, such as a database."""

_MOST_NAMED = 4
_METADATA = "AWS::ServerlessRepo::Application"
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
_DEFAULT_ARCHITECTURE = "x86_64"


@dataclass(frozen=True)
class Function:
    """A Lambda function whose code is in the pattern's folder."""

    logical_id: str
    code: Path
    """The folder of its code; its package has its requirements too."""
    handler: str
    runtime: str
    """Such as `python3.13`."""
    architecture: str
    """`x86_64` or `arm64`."""
    requirements: Path | None
    """Its requirements.txt; None if it has none."""
    line: int
    """The line of the template that defines it."""

    @property
    def python(self) -> str:
        """The runtime's Python version, such as `3.13`; empty for other runtimes."""
        return self.runtime.removeprefix("python") if self.runtime.startswith("python") else ""


@dataclass(frozen=True)
class Pattern:
    """A pattern: its template, and what the template and the folder say about it."""

    name: str
    folder: Path
    template: Path
    description: str
    """What it does, in a sentence: Description of the application metadata."""
    version: str
    """SemanticVersion of the application metadata; empty if there is none."""
    flow: str
    """The services that data passes through, in order: the first line of the template's Description."""
    functions: tuple[Function, ...]

    @property
    def prerequisites(self) -> tuple[Path, ...]:
        """Templates of what it needs and the Serverless Application Repository does not accept, such as a database."""
        return tuple(sorted((self.folder / PREREQUISITES).glob("*.yaml")))

    @property
    def stack_name(self) -> str:
        """The name of its stack: its own name, or the nearest one that CloudFormation accepts."""
        return stack_name(self.name)

    @property
    def argument(self) -> str:
        """The argument that selects it on the command line."""
        if self.folder in folders():
            return self.name
        return at(self.folder) if self.template == _template_in(self.folder) else at(self.template)

    @property
    def other_templates(self) -> tuple[str, ...]:
        """Other templates in its folder, which are not used."""
        found = (self.folder / name for name in TEMPLATES)
        return tuple(path.name for path in found if path.is_file() and path != self.template)

    @classmethod
    def load(cls, path: Path) -> "Pattern":
        """Read a pattern from the path of a template, or of a folder that holds one."""
        path = template_at(path)
        folder = path.parent
        template = load(path)
        about = _metadata(template)
        words = str(template.body.get("Description") or "").strip()
        return cls(
            name=name_of(path),
            folder=folder,
            template=path,
            description=str(about.get("Description") or words).strip(),
            version=str(about.get("SemanticVersion") or ""),
            flow=words.splitlines()[0].strip() if words else "",
            functions=tuple(_functions(template)),
        )


def template_at(path: Path) -> Path:
    """The template at a path, or in the folder at that path. Raises BlueprintError if there is none."""
    given = Path(path).absolute()
    template = given if given.is_file() else _template_in(given)
    if not template.is_file():
        raise _no_template(given)
    return template


def name_of(template: Path) -> str:
    """A pattern's name: its folder's, or the template's own if SAM does not look for a template of that name."""
    return template.parent.resolve().name if template.name in TEMPLATES else template.stem


def discover() -> list[Pattern]:
    """Every pattern that came with the tools, by name."""
    return [Pattern.load(folder) for folder in folders()]


def find(name_or_path: str | Path) -> Pattern:
    """A pattern by its name, or by the path of a template or its folder."""
    return Pattern.load(path_of(name_or_path))


def path_of(name_or_path: str | Path) -> Path:
    """The path of a pattern that is given by its name, or by the path of a template or its folder.

    A name means the project's pattern. Raises BlueprintError if the working folder has a copy of the same name.
    """
    known = {folder.name: folder for folder in folders()}
    path = Path(name_or_path)
    if str(name_or_path) in known:
        pattern = known[str(name_or_path)]
        if _template_in(path).is_file() and path.resolve() != pattern.resolve():
            raise BlueprintError(
                f"'{name_or_path}' is a pattern of the project and a folder here.",
                advice=f"For the folder, write ./{name_or_path}; for the project's pattern, change to another folder.",
            )
        return pattern
    if path.exists() or re.search(r"[/\\]", str(name_or_path)):
        return path
    close = get_close_matches(str(name_or_path), known, n=1, cutoff=0.4)
    meant = f"Did you mean {close[0]}? " if close else ""
    raise BlueprintError(
        f"There is no pattern '{name_or_path}'.",
        advice=f"{meant}The patterns are: {', '.join(known) or 'none'}. Or give the path of a template.",
    )


def folders() -> list[Path]:
    """The folders of the patterns in `patterns/` and `sar/`, sorted by name."""
    found = (path.parent for name in ("patterns", "sar") for path in project_folder(name).glob(f"*/{TEMPLATE}"))
    return sorted(found, key=lambda folder: folder.name)


def _template_in(folder: Path) -> Path:
    """The first of SAM's template names that exists in the folder; template.yaml if none does."""
    return next((folder / name for name in TEMPLATES if (folder / name).is_file()), folder / TEMPLATE)


def _no_template(folder: Path) -> BlueprintError:
    if not folder.is_dir():
        return BlueprintError(
            "There is no such file or folder.", where=at(folder), advice="Name a template or its folder."
        )
    others = [
        path for suffix in ("yaml", "yml", "json") for depth in ("", "*/") for path in folder.glob(f"{depth}*.{suffix}")
    ]
    templates = sorted(path for path in others if path.is_file() and _looks_like_a_template(path))
    if templates:
        named = "' or '".join(at(path) for path in templates[:_MOST_NAMED])
        advice = f"Name the template itself: '{named}'."
    else:
        advice = f"Name a pattern, a template, or a folder that holds a {TEMPLATE}."
    return BlueprintError(
        f"There is no {TEMPLATE} in this folder, and no {' or '.join(TEMPLATES[1:])}.", where=at(folder), advice=advice
    )


def _looks_like_a_template(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return bool(re.search(r"^\s*[\"']?Resources[\"']?\s*:", text, re.MULTILINE)) and "AWS::" in text


def _metadata(template: Template) -> dict[str, Any]:
    about = template.section("Metadata").get(_METADATA)
    return about if isinstance(about, dict) else {}


def _functions(template: Template) -> Iterator[Function]:
    for logical_id in template.of_type(*_CODE):
        properties = template.properties(logical_id)
        code = properties.get(_CODE[template.resources[logical_id]["Type"]])
        local = isinstance(code, str) and not code.startswith(("s3://", "https://"))
        if not local or "InlineCode" in properties or properties.get("PackageType") == "Image":
            continue
        folder = (template.folder / str(code)).resolve()
        if folder.is_file():
            continue  # CodeUri names a file: a finished package, or the only source file
        requirements = folder / REQUIREMENTS
        yield Function(
            logical_id=logical_id,
            code=folder,
            handler=_text(template, logical_id, "Handler"),
            runtime=_text(template, logical_id, "Runtime"),
            architecture=_architecture(template, logical_id),
            requirements=requirements if requirements.is_file() else None,
            line=template.line("Resources", logical_id),
        )


def _text(template: Template, logical_id: str, name: str) -> str:
    value = template.value(template.properties(logical_id).get(name))
    if isinstance(value, str):
        return value
    example = f"Write it there or in Globals, as text: for example '{_EXAMPLES[name]}'."
    properties = template.properties(logical_id)
    if name not in properties:
        close = get_close_matches(name, properties, n=1)
        what, advice = f"{logical_id} has no {name}.", f"Is {close[0]} misspelt? {example}" if close else example
    else:
        what, advice = f"The {name} of {logical_id} is known only after the deployment.", example
    raise BlueprintError(what, where=template.at("Resources", logical_id, "Properties", name), advice=advice)


_EXAMPLES = {"Handler": "Handler: render_image.handler", "Runtime": "Runtime: python3.13"}


def _architecture(template: Template, logical_id: str) -> str:
    written = template.properties(logical_id).get("Architectures", [_DEFAULT_ARCHITECTURE])
    value = template.value(written[0]) if isinstance(written, list) and len(written) == 1 else written
    if value in ("x86_64", "arm64"):
        return str(value)
    raise BlueprintError(
        f"{logical_id}: Lambda does not support the Architectures {written!r}.",
        where=template.at("Resources", logical_id, "Properties", "Architectures"),
        advice="Write 'Architectures: [arm64]' or 'Architectures: [x86_64]'.",
    )
