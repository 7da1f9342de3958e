"""Reads the properties of AppSync's resources: as members of its API, with texts that are in S3."""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Properties
from blueprints.local.services.appsync.control_plane.errors import Refused
from blueprints.local.services.iam import caller_may

OBJECT = Internal("services.s3", "_get_object_data", ("bucket_name", "key", "version_id"))

_NUMBERS = frozenset(
    ("queryDepthLimit", "resolverCountLimit", "maxBatchSize", "authorizerResultTtlInSeconds", "authTTL", "iatTTL")
)
_FLAGS = frozenset(("xrayEnabled", "excludeVerboseContent", "versioned", "useCallerCredentials"))
_SPELLED = {"dynamoDBConfig": "dynamodbConfig"}
"""Members whose names are not those of the properties with a small first letter."""


def members(props: Properties, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Properties by the names of the API's members, with numbers and flags that templates give as text."""
    found: dict[str, Any] = {}
    for name, value in props.items():
        if name in without or value in (None, ""):
            continue
        member = name[:1].lower() + name[1:]
        member = _SPELLED.get(member, member)
        found[member] = _value(member, value)
    return found


def _value(member: str, value: Any) -> Any:
    if isinstance(value, dict):
        return members(value)
    if isinstance(value, list):
        return [_value(member, each) for each in value]
    if member in _NUMBERS:
        try:
            return int(float(value))
        except (TypeError, ValueError):
            raise Refused(f"{member} must be a number, not {value!r}.") from None
    return str(value).lower() == "true" if member in _FLAGS else value


def code_members(props: Properties) -> dict[str, Any]:
    """The members of a resolver or a function, with its code also if it is in S3."""
    templates = [each for each in props if each.endswith("MappingTemplateS3Location")]
    if templates:
        raise Refused(f"Mapping templates (VTL) are not emulated: {', '.join(templates)}. Use Code for APPSYNC_JS.")
    found = members(props, ("ApiId", "TypeName", "Code", "CodeS3Location"))
    code = text(props, "Code", "CodeS3Location")
    return {**found, "code": code} if code else found


def text(props: Properties, name: str, location: str) -> str:
    """A text that a template gives itself or in a file of S3. Raises Refused."""
    if props.get(name) and props.get(location):
        raise Refused(f"Only one of {name} and {location} may be given.")
    return _read(str(props[location])) if props.get(location) else str(props.get(name) or "")


def _read(location: str) -> str:
    """The content of `s3://BUCKET/KEY`, read with the caller's permissions. Raises Refused."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not location.startswith("s3://") or not bucket or not key:
        raise Refused(f"{location} is no location in S3, such as s3://bucket/key.")
    if not caller_may("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"):
        raise Refused(
            f"Access Denied: the caller is not authorized to perform s3:GetObject on {location}",
            "AccessDeniedException",
            403,
        )
    content = OBJECT.current()(bucket, key, version_id=None)
    if content is None:
        raise Refused(f"The specified key does not exist: {location}", "NotFoundException", 404)
    try:
        return bytes(content).decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{location} is not UTF-8: {error}") from None
