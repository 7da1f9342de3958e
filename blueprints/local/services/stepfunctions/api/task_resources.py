"""Checks of the Resources of a definition: whether they exist, and whether the role may make the rules they need."""

from collections.abc import Iterator

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.tasks import is_known_resource, refusal_of_rules
from blueprints.states_language.definition import Block, Definition, State
from blueprints.states_language.faults import SCHEMA, Fault


def resource_faults(definition: Definition) -> list[Fault]:
    """The Resources that AWS does not know, in its words."""
    return [
        Fault(
            SCHEMA,
            f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the "
            "resource is not available in this region.",
            place,
        )
        for resource, place in _resources(definition.block, "")
        if not is_known_resource(resource)
    ]


def check_resources(definition: Definition, role_arn: str, region: str) -> None:
    """Raise ServiceError for a Resource that AWS does not know, or that waits with rules that the role may not make."""
    faults = resource_faults(definition)
    if faults:
        message = ", ".join(map(str, faults))
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{message}'")
    refusal = refusal_of_rules(role_arn, [resource for resource, _ in _resources(definition.block, "")], region)
    if refusal:
        raise ServiceError("AccessDeniedException", refusal)


def _resources(block: Block, place: str) -> Iterator[tuple[str, str]]:
    """The Resource of every Task state, with its place in the definition."""
    for name, state in block.states.items():
        here = f"{place}/States/{name}"
        if state.type == "Task":
            yield str(state.fields["Resource"]), f"{here}/Resource"
        for number, nested in enumerate(state.blocks):
            yield from _resources(nested, f"{here}/{_holder(state, number)}")


def _holder(state: State, number: int) -> str:
    """The field that holds a nested block."""
    if state.type == "Parallel":
        return f"Branches[{number}]"
    return "ItemProcessor" if "ItemProcessor" in state.fields else "Iterator"
