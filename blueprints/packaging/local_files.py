"""Prepares the local files that a template names for upload, as `sam package` does.

`blueprints.template.artifacts` lists the properties that name such files. Functions and layers with a BuildMethod are
built, other folders are zipped, files are uploaded unchanged, and nested templates are processed in the same way.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from blueprints.errors import BlueprintError
from blueprints.packaging.build import Package
from blueprints.packaging.layers import layer_archive
from blueprints.pattern import REQUIREMENTS, Function, Pattern
from blueprints.template.artifacts import Artifact, includes, local_artifacts, packaged
from blueprints.template.reading import Template, load

_ZIPPED = (".zip", ".jar")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")

Build = Callable[[Pattern], list[Package]]
Upload = Callable[[bytes, str], tuple[str, str]]
"""Uploads content to S3 under a name with this suffix, and returns bucket and key."""


@dataclass(frozen=True)
class LocalFiles:
    """One template's local files, read and built."""

    template: Template
    code: Mapping[str, Path]
    """Functions' packages by logical id."""
    files: dict[tuple[str, ...], tuple[bytes, str]] = field(default_factory=dict)
    """Content and suffix of all other files: by logical id and property name, or by the path of an AWS::Include."""
    nested: dict[tuple[str, ...], "LocalFiles"] = field(default_factory=dict)

    def uploaded(self, upload: Upload) -> str:
        """Upload every file, and return the template for CloudFormation, which names the uploads."""
        code = {logical_id: upload(path.read_bytes(), ".zip") for logical_id, path in self.code.items()}
        files = {place: upload(*content) for place, content in self.files.items()}
        for place, each in self.nested.items():
            files[place] = upload(each.uploaded(upload).encode(), ".template")
        return packaged(self.template, code, files)


def collect(pattern: Pattern, packages: list[Package], build: Build, within: tuple[Path, ...] = ()) -> LocalFiles:
    """Read and build the files that a pattern's template names; `packages` are its functions', already built.

    Raises BlueprintError if one cannot be read or built, or if a nested template contains itself; `within` has the
    templates around this one.
    """
    template = load(pattern.template)
    within = (*within, pattern.template.resolve())
    found = LocalFiles(template, {package.logical_id: package.path for package in packages})
    for artifact in local_artifacts(template):
        if artifact.logical_id in found.code and artifact.kind == "zip":
            continue
        place = (artifact.logical_id, artifact.name)
        path = (template.folder / artifact.path).resolve()
        if artifact.kind == "template":
            if path in within:
                raise BlueprintError(
                    f"{artifact.logical_id}: the template {artifact.path} would include itself.",
                    where=template.at("Resources", artifact.logical_id, "Properties", *artifact.place),
                    advice="Name another template.",
                )
            nested = Pattern.load(path)
            found.nested[place] = collect(nested, build(nested), build, within)
        elif artifact.kind == "zip":
            found.files[place] = (_zip_artifact(pattern, template, artifact, path, build), ".zip")
        else:
            found.files[place] = (_text(path), path.suffix)
    for include, name in includes(template):
        found.files[tuple(str(part) for part in include)] = ((template.folder / name).read_bytes(), Path(name).suffix)
    return found


def _zip_artifact(pattern: Pattern, template: Template, artifact: Artifact, path: Path, build: Build) -> bytes:
    if path.is_file() and path.suffix not in _ZIPPED:
        return _zip({path.name: path.read_bytes()})
    if template.resources[artifact.logical_id]["Type"] not in _LAYERS:
        return layer_archive(path, pattern.folder)
    about = template.resources[artifact.logical_id].get("Metadata")
    method = about.get("BuildMethod") if isinstance(about, dict) else None
    if method is None or path.is_file():
        return layer_archive(path, pattern.folder)
    if not str(method).startswith("python3."):
        raise BlueprintError(
            f"{artifact.logical_id}: a layer with BuildMethod {method} can't be built here.",
            where=template.at("Resources", artifact.logical_id, "Metadata", "BuildMethod"),
            advice="Build it with 'sam build', set ContentUri to the resulting folder and remove BuildMethod; or write "
            "'BuildMethod: python3.13'.",
        )
    return _build_layer(pattern, template, artifact.logical_id, path, str(method), build)


def _build_layer(pattern: Pattern, template: Template, logical_id: str, path: Path, method: str, build: Build) -> bytes:
    """A layer as `sam build` makes it: the folder's files and its requirements, below python/."""
    requirements = path / REQUIREMENTS
    architectures = template.properties(logical_id).get("CompatibleArchitectures") or ["x86_64"]
    layer = Function(
        logical_id=logical_id,
        code=path,
        handler="",
        runtime=method,
        architecture=str(architectures[0]),
        requirements=requirements if requirements.is_file() else None,
        line=template.line("Resources", logical_id),
    )
    (package,) = build(replace(pattern, functions=(layer,)))
    with zipfile.ZipFile(package.path) as opened:
        return _zip(
            {f"python/{each.filename}": opened.read(each) for each in opened.infolist()},
            {f"python/{each.filename}": each.external_attr for each in opened.infolist()},
        )


def _zip(files: Mapping[str, bytes], modes: Mapping[str, int] | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (modes or {}).get(name, 0o100644 << 16)
            archive.writestr(entry, data)
    return content.getvalue()


def _text(path: Path) -> bytes:
    """A file's content; a YAML state machine definition is converted to JSON."""
    content = path.read_bytes()
    if not path.name.endswith((".asl.yaml", ".asl.yml")):
        return content
    try:
        return json.dumps(yaml.safe_load(content)).encode()
    except yaml.YAMLError:
        return content
