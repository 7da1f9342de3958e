"""A pattern as an application of the repository: metadata, packaged template, artifacts, and the digest of it all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.packaging.build import Package
from blueprints.pattern import Pattern
from blueprints.publish import metadata, provenance
from blueprints.sar_rules.limits import METADATA
from blueprints.template.artifacts import packaged
from blueprints.template.inline_definitions import with_definitions_inline
from blueprints.template.reading import Template

PROVENANCE = "ServerlessBlueprints"
"""The section of a published template's Metadata that names its digest."""

_NO_BUCKET = "artifacts"


@dataclass(frozen=True)
class Artifact:
    """The package of one or more functions."""

    path: Path
    sha256: str
    size: int

    @property
    def key(self) -> str:
        """Its S3 key."""
        return f"{self.sha256}.zip"


@dataclass(frozen=True)
class Application:
    """A pattern as an application."""

    pattern: str
    template: Template
    metadata: metadata.Metadata
    artifacts: tuple[Artifact, ...]
    digest: str
    """The SHA-256 digest of the packaged template, its artifacts and the licence. It does not depend on the bucket."""
    source_code_url: str | None
    _code: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name in the repository."""
        return str(self.metadata.fields["Name"])

    @property
    def version(self) -> str:
        """The version to publish."""
        return self.metadata.version

    def packaged(self, bucket: str | None) -> str:
        """The template as JSON, with references to its artifacts in the bucket."""
        body = _packaged(self.template, self._code, bucket or _NO_BUCKET)
        body.setdefault("Metadata", {})[PROVENANCE] = {"Digest": self.digest}
        return _as_json(body)


def application(pattern: Pattern, template: Template, packages: list[Package]) -> Application:
    """Make an application from a pattern that preflight has accepted, and its packages."""
    about = metadata.read(template)
    template = with_definitions_inline(template)
    code = {package.logical_id: package.sha256 for package in packages}
    licence = hashlib.sha256((about.licence or "").encode()).hexdigest()
    content = f"{_as_json(_packaged(template, code, _NO_BUCKET))}\n{licence}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    url = about.source_code_url
    artifacts = {package.sha256: Artifact(package.path, package.sha256, package.size) for package in packages}
    return Application(
        pattern=pattern.name,
        template=template,
        metadata=about,
        artifacts=tuple(artifacts[each] for each in sorted(artifacts)),
        digest=digest,
        source_code_url=provenance.source_url(url, pattern.folder, digest) if url else None,
        _code=code,
    )


def _packaged(template: Template, code: Mapping[str, str], bucket: str) -> dict[str, Any]:
    """The template without its application metadata, which other fields of the request have, and with `s3://` code."""
    places = {logical_id: (bucket, f"{sha256}.zip") for logical_id, sha256 in code.items()}
    body: dict[str, Any] = json.loads(packaged(template, places))
    body.get("Metadata", {}).pop(METADATA, None)
    for logical_id in places:
        properties = body["Resources"][logical_id]["Properties"]
        if isinstance(properties.get("CodeUri"), dict):
            properties["CodeUri"] = f"s3://{bucket}/{properties['CodeUri']['Key']}"
    return body


def _as_json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
