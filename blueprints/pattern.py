"""A pattern: a folder read into names and facts. Patterns are found by folder; there is no registry to keep in step."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.template.reading import Template, load

TEMPLATE = "template.yaml"
REQUIREMENTS = "requirements.txt"
COMPANIONS = "companions"

_METADATA = "AWS::ServerlessRepo::Application"
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
_DEFAULT_ARCHITECTURE = "x86_64"


@dataclass(frozen=True)
class Function:
    """A Lambda function whose code lies in the pattern's folder."""

    logical_id: str
    code: Path
    """The folder that is its package, but for what its requirements add."""
    handler: str
    runtime: str
    """Such as `python3.13`."""
    architecture: str
    """`x86_64` or `arm64`."""
    requirements: Path | None
    """The lock of everything it installs; None where it needs nothing."""
    line: int
    """Where the template defines it."""

    @property
    def python(self) -> str:
        """The runtime's Python version, such as `3.13`; empty for other runtimes."""
        return self.runtime.removeprefix("python") if self.runtime.startswith("python") else ""


@dataclass(frozen=True)
class Pattern:
    """One folder: template, handlers, demo, tests, words."""

    name: str
    folder: Path
    template: Path
    description: str
    """What it does, in a sentence: the application metadata's Description."""
    version: str
    """The application metadata's SemanticVersion; empty where it has none."""
    flow: str
    """The services that work passes through, in order: the first line of the template's Description."""
    functions: tuple[Function, ...]

    @property
    def companions(self) -> tuple[Path, ...]:
        """Templates of what it needs and the Serverless Application Repository does not hold, such as a database."""
        return tuple(sorted((self.folder / COMPANIONS).glob("*.yaml")))

    @classmethod
    def load(cls, folder: Path) -> "Pattern":
        """Reads a folder that holds a template.yaml."""
        folder = Path(folder).absolute()
        path = folder / TEMPLATE
        if not path.is_file():
            raise BlueprintError(
                f"There is no {TEMPLATE} in this folder.",
                where=at(folder),
                advice=f"Name a pattern, or a folder that holds a {TEMPLATE}.",
            )
        template = load(path)
        about = _metadata(template)
        words = str(template.body.get("Description") or "").strip()
        return cls(
            name=folder.resolve().name,
            folder=folder,
            template=path,
            description=str(about.get("Description") or words).strip(),
            version=str(about.get("SemanticVersion") or ""),
            flow=words.splitlines()[0].strip() if words else "",
            functions=tuple(_functions(template)),
        )


def discover() -> list[Pattern]:
    """Every pattern that came with the tools, by name."""
    return [Pattern.load(folder) for folder in _folders()]


def find(name_or_path: str | Path) -> Pattern:
    """A pattern by its name, or by a path to a folder like one."""
    known = {folder.name: folder for folder in _folders()}
    if str(name_or_path) in known:
        return Pattern.load(known[str(name_or_path)])
    path = Path(name_or_path)
    if path.is_dir() or len(path.parts) > 1:
        return Pattern.load(path)
    close = get_close_matches(str(name_or_path), known, n=1, cutoff=0.4)
    meant = f"Did you mean {close[0]}? " if close else ""
    raise BlueprintError(
        f"There is no pattern '{name_or_path}'.",
        advice=f"{meant}There are: {', '.join(known) or 'none'}. A path to a folder with a {TEMPLATE} works too.",
    )


def room(name: str) -> Path:
    """A folder of the project that the tools read: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name


def _folders() -> list[Path]:
    """Those of `patterns/`, and those of `sar/`, which belong to publishing them."""
    found = (path.parent for name in ("patterns", "sar") for path in room(name).glob(f"*/{TEMPLATE}"))
    return sorted(found, key=lambda folder: folder.name)


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
    raise BlueprintError(
        f"{logical_id} has no {name} that can be known before it is deployed.",
        where=template.at("Resources", logical_id, "Properties", name),
        advice=f"Write it there or in Globals, as text: for example '{_EXAMPLES[name]}'.",
    )


_EXAMPLES = {"Handler": "Handler: render_image.handler", "Runtime": "Runtime: python3.13"}


def _architecture(template: Template, logical_id: str) -> str:
    written = template.properties(logical_id).get("Architectures", [_DEFAULT_ARCHITECTURE])
    value = template.value(written[0]) if isinstance(written, list) and len(written) == 1 else written
    if value in ("x86_64", "arm64"):
        return str(value)
    raise BlueprintError(
        f"{logical_id}: Architectures {written!r} is not one that Lambda has.",
        where=template.at("Resources", logical_id, "Properties", "Architectures"),
        advice="Write 'Architectures: [arm64]' or 'Architectures: [x86_64]'.",
    )
