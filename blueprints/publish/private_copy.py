"""Private copies of applications: the same content under another name, to try a version before it is published.

Sharing is per application, and a version can be neither replaced nor deleted. So an untried version is published as a
private copy, which no other account may deploy and which can be deleted with all its versions.
"""

import dataclasses
import hashlib
from collections.abc import Callable

from blueprints.errors import BlueprintError
from blueprints.progress import Report
from blueprints.publish.application import Application
from blueprints.publish.apply import apply
from blueprints.publish.bucket import Bucket
from blueprints.publish.plan import VERSION, Action, Plan, Upload, make_plan, sharing_actions, version_request
from blueprints.publish.repository import Repository
from blueprints.publish.sharing import Sharing
from blueprints.stacks.calls import Conflict

LABEL = "private-twin"
"""The only label of a private copy. Applications without it are never changed or deleted."""

_SUFFIX = "-twin"
_LONGEST = 90  # the name is part of the names of stacks, which may have 128 characters
_DESCRIPTION = 256
_ATTEMPTS = 4


def private_copy_of(application: Application) -> Application:
    """The private copy of an application. Its version contains the digest of the content."""
    about = application.metadata
    description = f"Private copy of {application.name}, to try {application.version} before it is published"
    fields = {
        **about.fields,
        "Name": copy_name(application.name),
        "Description": description[:_DESCRIPTION],
        "Labels": [LABEL],
    }
    base = application.version.partition("+")[0]
    version = f"{base}{'.' if '-' in base else '-'}sha256-{application.digest}"
    return dataclasses.replace(application, metadata=dataclasses.replace(about, fields=fields, version=version))


def copy_name(name: str) -> str:
    """The name of an application's private copy."""
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name + _SUFFIX


def publish_copy(copy: Application, repository: Repository, bucket: Callable[[], Bucket | None], report: Report) -> str:
    """Publish a private copy and make it private, keeping its earlier versions. Returns its ARN."""
    for _ in range(_ATTEMPTS):
        arn = find_copy(copy.name, repository)
        plan = (
            make_plan(copy, repository, None, bucket) if arn is None else _next_version(copy, arn, repository, bucket)
        )
        try:
            published = apply(plan, repository, bucket, report)
        except Conflict:
            repository.forget()  # another process published the same content first
        else:
            assert published is not None
            return published
    raise BlueprintError(
        f"Another process keeps publishing {copy.name}.", advice="Run it again when the other process has ended."
    )


def find_copy(name: str, repository: Repository) -> str | None:
    """The ARN of a private copy by its name, or None. Raises BlueprintError if the application is no private copy."""
    arn = repository.find(name)
    if arn is not None and repository.get(arn).fields.get("Labels") != [LABEL]:
        raise BlueprintError(
            f"The application {name} is not a private copy: it lacks the label {LABEL}.",
            where=arn,
            advice="It is not changed. Rename it, or give this pattern another Name.",
        )
    return arn


def _next_version(copy: Application, arn: str, repository: Repository, bucket: Callable[[], Bucket | None]) -> Plan:
    """A plan that adds a version, which need not be higher than the versions of earlier tries."""
    actions = sharing_actions(repository.statements(arn), Sharing("private"))
    uploads: list[Upload] = []
    if copy.version not in repository.versions(arn):
        request, uploads = version_request(copy, bucket())
        actions.append(Action(VERSION, (), {"SemanticVersion": copy.version, **request}))
    return Plan(copy.name, copy.version, copy.digest, arn, tuple(actions), tuple(uploads))
