"""Reads and checks the application metadata of a template."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.counting import counted
from blueprints.publish.provenance import home_url
from blueprints.sar_rules.findings import RepositoryFinding, found
from blueprints.sar_rules.limits import FORMS, LABEL, LABELS, METADATA, OSI_LICENCES, REQUIRED, TEXT_BYTES
from blueprints.template.reading import Place, Template

_ABOUT: Place = ("Metadata", METADATA)
_FILES = {"LicenseUrl": "LicenseBody", "ReadmeUrl": "ReadmeBody"}
_LISTS = {"Labels"}


@dataclass(frozen=True)
class Metadata:
    """The metadata as it is published."""

    fields: dict[str, Any]
    """Name, Description, Author, Labels, and if they are written SpdxLicenseId and HomePageUrl.

    The fragment of HomePageUrl has the readme's digest."""
    version: str
    source_code_url: str | None
    licence: str | None
    """Its text."""
    readme: str | None


def written(template: Template) -> dict[str, Any]:
    """The section of the template, unchanged; empty if there is none."""
    about = template.section("Metadata").get(METADATA)
    return about if isinstance(about, dict) else {}


def read(template: Template) -> Metadata:
    """The metadata of a template that `check` does not refuse."""
    about = written(template)
    names = ("Name", "Description", "Author", "SpdxLicenseId", "HomePageUrl")
    fields = {name: str(about[name]) for name in names if name in about}
    readme = _text(template, about, "ReadmeUrl")
    if "HomePageUrl" in fields:
        fields["HomePageUrl"] = home_url(fields["HomePageUrl"], readme)
    return Metadata(
        fields=fields | {"Labels": [str(each) for each in about.get("Labels", [])]},
        version=str(about["SemanticVersion"]),
        source_code_url=about.get("SourceCodeUrl"),
        licence=_text(template, about, "LicenseUrl"),
        readme=readme,
    )


def check(template: Template, *, public: bool) -> Iterator[RepositoryFinding]:
    """Every finding in the metadata; `public` adds the requirements of public sharing."""
    about = written(template)
    if not about:
        yield found(
            "refused", f"There is no Metadata {METADATA}; write it: Name, Description, Author.", template, _ABOUT
        )
        return
    for name in (*REQUIRED, "SemanticVersion"):
        if name not in about:
            yield found("refused", f"Metadata {METADATA} has no {name}; write it.", template, _ABOUT)
    for name, value in about.items():
        yield from _field(template, name, value)
    for name, body in _FILES.items():
        yield from _file(template, about, name, body)
    if public:
        yield from _public(template, about)


def _field(template: Template, name: str, value: Any) -> Iterator[RepositoryFinding]:
    place = (*_ABOUT, name)
    texts = value if name in _LISTS and isinstance(value, list) else [value]
    if any(isinstance(each, dict | list) for each in texts):
        yield found("refused", f"{name} is not plain text; write the text itself, without functions.", template, place)
        return
    if name == "Labels":
        yield from _labels(template, [str(each) for each in texts])
    elif name in FORMS and not FORMS[name].takes(str(value)):
        form = FORMS[name]
        message = (
            f"{name} has {counted(len(str(value)), 'character')}; write 1 to {form.longest}, of the form {form.pattern}"
        )
        yield found("refused", message, template, place)


def _labels(template: Template, labels: list[str]) -> Iterator[RepositoryFinding]:
    place = (*_ABOUT, "Labels")
    if len(labels) > LABELS:
        yield found("refused", f"There are {len(labels)} Labels; write at most {LABELS}.", template, place)
    for index, label in enumerate(labels):
        if not LABEL.takes(label):
            message = f"Label {label!r}: write 1 to {LABEL.longest} characters of the form {LABEL.pattern}"
            yield found("refused", message, template, (*place, index))


def _file(template: Template, about: dict[str, Any], name: str, body: str) -> Iterator[RepositoryFinding]:
    place = (*_ABOUT, name if name in about else body)
    if name in about and body in about:
        yield found("refused", f"There are both {name} and {body}; keep one.", template, place)
    elif isinstance(about.get(body), str):
        if len(about[body].encode()) > TEXT_BYTES:
            yield found("refused", f"{body} is larger than 5 MB; shorten it.", template, place)
    elif isinstance(about.get(name), str):
        yield from _on_disk(template, about[name], name, place)


def _on_disk(template: Template, written_path: str, name: str, place: Place) -> Iterator[RepositoryFinding]:
    path = template.folder / written_path
    if "://" in written_path or not path.is_file():
        message = f"{name} names {written_path}, which is not a file in this folder; write the name of one."
        yield found("refused", message, template, place)
    elif path.stat().st_size > TEXT_BYTES:
        message = f"{written_path} has {path.stat().st_size:,} bytes; {name} may have 5 MB. Shorten it."
        yield RepositoryFinding(path, 1, message)
    else:
        yield from _readable(path)


def _readable(path: Path) -> Iterator[RepositoryFinding]:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        yield RepositoryFinding(path, 0, f"{path.name} is not UTF-8 ({error.reason}); save it as UTF-8.")


def _public(template: Template, about: dict[str, Any]) -> Iterator[RepositoryFinding]:
    if about.get("SpdxLicenseId") not in OSI_LICENCES:
        message = "To be public, an application needs an SpdxLicenseId that the OSI has approved, such as MIT-0."
        yield found("refused", message, template, (*_ABOUT, "SpdxLicenseId"))
    for name, body in (("LicenseUrl", "LicenseBody"), ("SourceCodeUrl", "SourceCodeUrl")):
        if name not in about and body not in about:
            yield found("refused", f"To be public, an application needs a {name}; write it.", template, _ABOUT)


def _text(template: Template, about: dict[str, Any], name: str) -> str | None:
    body = about.get(_FILES[name])
    if body is not None:
        return str(body)
    return (template.folder / about[name]).read_text(encoding="utf-8") if name in about else None
