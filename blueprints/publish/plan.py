"""The plan: the differences between the repository and a pattern, and the calls that publish them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.publish import sharing as sharings
from blueprints.publish.application import Application
from blueprints.publish.bucket import Bucket
from blueprints.publish.compatibility import bump
from blueprints.publish.provenance import names_readme
from blueprints.publish.repository import PublishedApplication, Repository
from blueprints.publish.sharing import Sharing
from blueprints.sar_rules.limits import INLINE_TEMPLATE_BYTES, METADATA
from blueprints.sar_rules.versions import bumped, order

CREATE, VERSION, UPDATE, SHARE = (
    "CreateApplication", "CreateApplicationVersion", "UpdateApplication", "PutApplicationPolicy",
)  # fmt: skip

_CHANGEABLE = ("Author", "Description", "HomePageUrl", "Labels")
_IN_THE_BUCKET = ("TemplateBody", "TemplateUrl")
_SHOWN = 300


@dataclass(frozen=True)
class Change:
    """A field that changes: its values before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Action:
    """One call to the repository."""

    call: str
    changes: tuple[Change, ...]
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Upload:
    """One object that a version consists of."""

    key: str
    sha256: str
    size: int
    present: bool | None
    """Whether it is in the bucket already; None if there is no bucket."""
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Plan:
    """All calls and uploads that publish one application."""

    name: str
    version: str
    content: str
    """The digest of the version's content."""
    arn: str | None
    actions: tuple[Action, ...]
    uploads: tuple[Upload, ...]

    @property
    def digest(self) -> str:
        """A digest of every request, to approve the plan by. It does not depend on the bucket."""
        calls = [
            [each.call, {name: value for name, value in each.request.items() if name not in _IN_THE_BUCKET}]
            for each in self.actions
        ]
        content = [self.name, self.arn, self.content, calls]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The plan as data."""
        return {
            "application": self.name,
            "version": self.version,
            "arn": self.arn,
            "digest": self.digest,
            "actions": [
                {"call": each.call, "changes": [_as_json(change) for change in each.changes]} for each in self.actions
            ],
            "uploads": [{"key": each.key, "bytes": each.size, "present": each.present} for each in self.uploads],
        }


def make_plan(
    application: Application,
    repository: Repository | None,
    sharing: Sharing | None,
    bucket: Callable[[], Bucket | None],
) -> Plan:
    """Compare an application with the repository, and plan what publishes it.

    Without a repository the plan is made against an empty one. `bucket` is called only if there is something to upload.
    Raises BlueprintError if the version cannot be published.
    """
    arn = repository.find(application.name) if repository else None
    actions: list[Action] = []
    uploads: list[Upload] = []
    if repository is None or arn is None:
        request, uploads = version_request(application, bucket())
        actions.append(_create(application, request))
        actions.extend(sharing_actions([], sharing))
        return Plan(application.name, application.version, application.digest, None, tuple(actions), tuple(uploads))
    published = repository.get(arn)
    _check_author(application, repository, published)
    if _needs_version(application, repository, published):
        _check_licence(application, repository, published)
        request, uploads = version_request(application, bucket())
        changes = (
            Change("SemanticVersion", published.version, application.version),
            *_source_change(published, request),
        )
        actions.append(Action(VERSION, changes, {"SemanticVersion": application.version, **request}))
    actions.extend(_updated(application, repository, published))
    if sharing is not None:
        actions.extend(sharing_actions(repository.statements(arn), sharing))
    return Plan(application.name, application.version, application.digest, arn, tuple(actions), tuple(uploads))


def _create(application: Application, version: Mapping[str, Any]) -> Action:
    about = application.metadata
    texts = {"LicenseBody": about.licence, "ReadmeBody": about.readme}
    request = {
        **{name: value for name, value in about.fields.items() if value},
        **{name: text for name, text in texts.items() if text is not None},
        "SemanticVersion": application.version,
        **version,
    }
    shown = tuple(Change(name, None, value) for name, value in request.items() if not name.startswith("Template"))
    return Action(CREATE, shown, request)


def version_request(application: Application, bucket: Bucket | None) -> tuple[dict[str, Any], list[Upload]]:
    """The template and source URL of a version as request parameters, and the objects that it needs in the bucket."""
    template = application.packaged(bucket.name if bucket else None).encode()
    uploads = [
        Upload(each.key, each.sha256, each.size, bucket.has(each.key) if bucket else None, each.path.read_bytes)
        for each in application.artifacts
    ]
    source = {"SourceCodeUrl": application.source_code_url} if application.source_code_url else {}
    if len(template) <= INLINE_TEMPLATE_BYTES:
        return {"TemplateBody": template.decode(), **source}, uploads
    sha256 = hashlib.sha256(template).hexdigest()
    key = f"{sha256}.template"
    there = bucket.has(key) if bucket else None
    uploads.append(Upload(key, sha256, len(template), there, partial(bytes, template)))
    return {"TemplateUrl": bucket.url(key) if bucket else key, **source}, uploads


def _needs_version(application: Application, repository: Repository, published: PublishedApplication) -> bool:
    """Whether the version must be published. Raises BlueprintError if the template needs a higher version."""
    if published.version is None or order(application.version) > order(published.version):
        return True
    digest = repository.digest(published)
    if application.version == published.version:
        if digest == application.digest:
            return False
        _check_licence(application, repository, published)
        raise _other_version(application, repository, published, "is published with other content")
    if digest == application.digest:
        raise BlueprintError(
            f"{application.name} {application.version} is lower than {published.version}, which has the same content.",
            where=_place(application),
            advice=f"Write 'SemanticVersion: {published.version}'.",
        )
    raise _other_version(
        application, repository, published, f"is not higher than {published.version}, which is published"
    )


def _other_version(
    application: Application, repository: Repository, published: PublishedApplication, what: str
) -> BlueprintError:
    kind, why = bump(repository.template(published), application.template.body)
    assert published.version is not None
    return BlueprintError(
        f"{application.name} {application.version} {what}; versions cannot be replaced.",
        where=_place(application),
        advice=f"Write 'SemanticVersion: {bumped(published.version, kind)}' ({kind}: {'; '.join(why[:3])}).",
    )


def _check_author(application: Application, repository: Repository, published: PublishedApplication) -> None:
    """Raise BlueprintError if another author published an application of this name with other tools."""
    theirs, ours = published.fields.get("Author"), application.metadata.fields["Author"]
    if theirs == ours or repository.digest(published):
        return
    raise BlueprintError(
        f"This account has an application {application.name} by another author, {theirs}.",
        where=application.template.at("Metadata", METADATA, "Name"),
        advice="Give this one another Name. If it is the same application, write its Author as it was published.",
    )


def _check_licence(application: Application, repository: Repository, published: PublishedApplication) -> None:
    """Raise BlueprintError if the licence changed: an application keeps the licence that it was created with."""
    about = application.metadata
    before, after = published.fields.get("SpdxLicenseId"), about.fields.get("SpdxLicenseId")
    what = f"from {before} to {after}" if before != after else None
    if what is None and _lines(repository.text(published.licence_url)) != _lines(about.licence):
        what = "in its text"
    if what:
        raise BlueprintError(
            f"The licence of {application.name} changed {what}; the repository keeps the one it was created with.",
            where=application.template.at("Metadata", METADATA, "SpdxLicenseId" if before != after else "LicenseUrl"),
            advice="Put the old licence back, or publish under another Name.",
        )


def _updated(application: Application, repository: Repository, published: PublishedApplication) -> list[Action]:
    """An UpdateApplication call with the fields that differ, if any."""
    about = application.metadata
    if published.fields.get("SpdxLicenseId") != about.fields.get("SpdxLicenseId"):
        _check_licence(application, repository, published)
    wanted = {name: about.fields.get(name) for name in _CHANGEABLE}
    changes = [
        Change(name, published.fields.get(name), value)
        for name, value in wanted.items()
        if (value or None) != published.fields.get(name) and value is not None
    ]
    if about.readme is not None and not names_readme(published.fields.get("HomePageUrl"), about.readme):
        before = repository.text(published.readme_url)
        if before != about.readme:
            changes.append(Change("ReadmeBody", before, about.readme))
    return [Action(UPDATE, tuple(changes), {each.field: each.after for each in changes})] if changes else []


def sharing_actions(statements: list[dict[str, Any]], sharing: Sharing | None) -> list[Action]:
    """The PutApplicationPolicy call that is needed, if any. Sharing stays unchanged if `sharing` is None."""
    if sharing is None:
        return []
    before = sharings.describe(statements)
    after = sharings.describe(sharing.statements())
    if before == after:
        return []
    return [Action(SHARE, (Change("Sharing", before, after),), {"Statements": sharing.statements()})]


def _source_change(published: PublishedApplication, request: Mapping[str, Any]) -> tuple[Change, ...]:
    after = request.get("SourceCodeUrl")
    return (Change("SourceCodeUrl", published.source_code_url, after),) if after != published.source_code_url else ()


def _place(application: Application) -> str:
    return application.template.at("Metadata", METADATA, "SemanticVersion")


def _lines(text: str | None) -> list[str]:
    return (text or "").strip().splitlines()


def _as_json(change: Change) -> dict[str, Any]:
    return {"field": change.field, "before": shortened(change.before), "after": shortened(change.after)}


def shortened(value: Any) -> Any:
    """A value for display; a long text as its size and digest."""
    if isinstance(value, str) and (len(value) > _SHOWN or "\n" in value):
        return f"{len(value.encode()):,} bytes, sha256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    return value
