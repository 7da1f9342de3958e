"""Findings in a template's resource types, separately for those written and those that SAM generates."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.sar_rules.findings import RepositoryFinding, found
from blueprints.sar_rules.limits import EXPANDED_SEEN, REFUSED_TYPES, supported_types
from blueprints.template.reading import Place, Template

_HOW_TO_FIND_OUT = (
    "'blueprints try' finds out, with a private copy, whether it is accepted. If it is refused, make its ARN a "
    "parameter and the resource a template in companions/"
)


def written(template: Template) -> Iterator[RepositoryFinding]:
    """Findings in the types that are written; the repository checks these."""
    for logical_id, resource in template.resources.items():
        place: Place = ("Resources", logical_id, "Type")
        kind = str(resource.get("Type"))
        if kind in REFUSED_TYPES:
            yield found("refused", f"{logical_id}: {kind} is refused; {REFUSED_TYPES[kind]}.", template, place)
        elif kind.startswith("Custom::"):
            message = f"{logical_id}: {kind} is refused; write 'Type: AWS::CloudFormation::CustomResource'."
            yield found("refused", message, template, place)
        elif kind not in supported_types():
            message = f"{logical_id}: {kind} is not on the last published list of types; {_HOW_TO_FIND_OUT}."
            yield found("unconfirmed", message, template, place)
        yield from _refused_parts(template, logical_id, resource)


def expanded(template: Template, body: Mapping[str, Any]) -> Iterator[RepositoryFinding]:
    """Findings in the types that SAM generates; the repository is known to accept some that are not on its list."""
    for logical_id, resource in body.get("Resources", {}).items():
        kind = str(resource.get("Type"))
        if logical_id in template.resources and template.resources[logical_id].get("Type") == kind:
            continue
        if kind in REFUSED_TYPES:
            message = f"SAM generates {logical_id} ({kind}), which is refused; {REFUSED_TYPES[kind]}."
            yield found("refused", message, template, _origin(template, logical_id))
        elif kind not in supported_types() | EXPANDED_SEEN and not kind.startswith("AWS::Serverless::"):
            message = (
                f"SAM generates {logical_id} ({kind}), which is not on the last published list; {_HOW_TO_FIND_OUT}."
            )
            yield found("unconfirmed", message, template, _origin(template, logical_id))


def _refused_parts(template: Template, logical_id: str, resource: Mapping[str, Any]) -> Iterator[RepositoryFinding]:
    place: Place = ("Resources", logical_id)
    if "Connectors" in resource:
        message = f"{logical_id}: Connectors are refused; {REFUSED_TYPES['AWS::Serverless::Connector']}."
        yield found("refused", message, template, (*place, "Connectors"))
    if resource.get("Type") in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
        yield from _refused_events(template, logical_id)
    if resource.get("Type") != "AWS::Serverless::Function":
        return
    properties = template.properties(logical_id)
    place = (*place, "Properties")
    if "FunctionUrlConfig" in properties:
        message = f"{logical_id}: FunctionUrlConfig is refused; {REFUSED_TYPES['AWS::Lambda::Url']}."
        yield found("refused", message, template, (*place, "FunctionUrlConfig"))
    architectures = properties.get("Architectures", ["x86_64"])
    if architectures not in (["arm64"], ["x86_64"]):
        message = f"{logical_id}: Architectures {architectures!r} is refused; write it literally: [arm64] or [x86_64]."
        yield found("refused", message, template, (*place, "Architectures"))


def _refused_events(template: Template, logical_id: str) -> Iterator[RepositoryFinding]:
    place: Place = ("Resources", logical_id, "Properties", "Events")
    events = template.properties(logical_id).get("Events")
    for name, event in (events if isinstance(events, dict) else {}).items():
        if isinstance(event, dict) and event.get("Type") == "ScheduleV2":
            message = f"{logical_id}: the event type ScheduleV2 is refused; write 'Type: Schedule'."
            yield found("refused", message, template, (*place, name, "Type"))


def _origin(template: Template, logical_id: str) -> Place:
    """The place of the written resource whose logical id a generated one begins with."""
    origins = [name for name in template.resources if logical_id.startswith(name)]
    return ("Resources", max(origins, key=len)) if origins else ("Resources",)
