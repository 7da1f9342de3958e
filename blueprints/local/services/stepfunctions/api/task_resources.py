"""Checks of the Resources of a definition: whether they exist, and whether the role may make the rules they need."""

from collections.abc import Iterator

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.tasks import is_known_resource, refusal_of_rules
from blueprints.states_language.definition import Block, Definition


def check_resources(definition: Definition, role_arn: str, region: str) -> None:
    """Raise ServiceError, with AWS's words, for a Resource that does not exist or that the role cannot wait for."""
    found = list(_resources(definition.block, ""))
    unknown = [
        f"SCHEMA_VALIDATION_FAILED: The resource provided {resource} is not recognized. The value is not a valid "
        f"resource ARN, or the resource is not available in this region. at {place}"
        for resource, place in found
        if not is_known_resource(resource)
    ]
    if unknown:
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(unknown)}'")
    refusal = refusal_of_rules(role_arn, [resource for resource, _ in found], region)
    if refusal:
        raise ServiceError("AccessDeniedException", refusal)


def _resources(block: Block, place: str) -> Iterator[tuple[str, str]]:
    """The Resource of every Task state, with its place in the definition."""
    for name, state in block.states.items():
        here = f"{place}/States/{name}"
        if state.type == "Task":
            yield str(state.fields["Resource"]), f"{here}/Resource"
        for number, nested in enumerate(state.blocks):
            holder = f"Branches[{number}]" if state.type == "Parallel" else _processor(state.fields)
            yield from _resources(nested, f"{here}/{holder}")


def _processor(fields: object) -> str:
    return "ItemProcessor" if isinstance(fields, dict) and "ItemProcessor" in fields else "Iterator"
