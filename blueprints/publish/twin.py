"""An application's private twin: the same content under a name of its own, for trying a version before it is published.

Sharing is per application, and a version can be neither replaced nor deleted. So what is not yet known to work goes to
a twin, which nobody else may deploy and which can be deleted with all its versions.
"""

import dataclasses
import hashlib
from collections.abc import Callable

from blueprints.errors import BlueprintError
from blueprints.publish.application import Application
from blueprints.publish.apply import Progress, apply
from blueprints.publish.bucket import Bucket
from blueprints.publish.plan import VERSION, Action, Plan, Upload, plan, shared, version_request
from blueprints.publish.repository import Repository
from blueprints.publish.sharing import Sharing
from blueprints.stacks.calls import Conflict

LABEL = "private-twin"
"""The one label of every twin, and of nothing else: what does not carry it is never touched."""

_SUFFIX = "-twin"
_LONGEST = 90  # the name becomes part of a stack's, which may have 128 characters, as may those of its companions
_DESCRIPTION = 256
_LOOKS = 4


def twin_of(application: Application) -> Application:
    """The twin of an application; its version names its content, so that other content never meets it."""
    about = application.metadata
    description = f"Private twin of {application.name}, to try {application.version} before it is published"
    fields = {
        **about.fields,
        "Name": twin_name(application.name),
        "Description": description[:_DESCRIPTION],
        "Labels": [LABEL],
    }
    base = application.version.partition("+")[0]
    version = f"{base}{'.' if '-' in base else '-'}sha256-{application.digest}"
    return dataclasses.replace(application, metadata=dataclasses.replace(about, fields=fields, version=version))


def twin_name(name: str) -> str:
    """What the twin of an application is called."""
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name + _SUFFIX


def published(
    twin: Application, repository: Repository, bucket: Callable[[], Bucket | None], progress: Progress
) -> str:
    """Publish a twin, shared with nobody; what is there of it already stays. Returns its ARN."""
    for _ in range(_LOOKS):
        arn = found(twin.name, repository)
        planned = plan(twin, repository, None, bucket) if arn is None else _next_version(twin, arn, repository, bucket)
        try:
            made = apply(planned, repository, bucket, progress)
        except Conflict:
            repository.forget()  # another try of the same content was faster
        else:
            assert made is not None
            return made
    raise BlueprintError(f"Someone else keeps publishing {twin.name}.", advice="Try it again when nobody else does.")


def found(name: str, repository: Repository) -> str | None:
    """The ARN of the twin of that name, if there is one. Raises BlueprintError when the application is no twin."""
    arn = repository.find(name)
    if arn is not None and repository.published(arn).fields.get("Labels") != [LABEL]:
        raise BlueprintError(
            f"There is an application {name} that is no private twin: it lacks the label {LABEL}.",
            where=arn,
            advice="It is left alone. Rename it, or give this pattern another Name.",
        )
    return arn


def _next_version(twin: Application, arn: str, repository: Repository, bucket: Callable[[], Bucket | None]) -> Plan:
    """A version beside those that earlier tries left, whatever their order."""
    actions = shared(repository.statements(arn), Sharing("private"))
    uploads: list[Upload] = []
    if twin.version not in repository.versions(arn):
        request, uploads = version_request(twin, bucket())
        actions.append(Action(VERSION, (), {"SemanticVersion": twin.version, **request}))
    return Plan(twin.name, twin.version, twin.digest, arn, tuple(actions), tuple(uploads))
