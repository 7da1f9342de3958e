"""The outputs of a stack that is deployed completely."""

from collections.abc import Callable
from typing import Any, NoReturn

from blueprints.errors import BlueprintError
from blueprints.stacks.client import Stacks
from blueprints.stacks.stack import outputs_of

_USABLE = {
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
}


class Outputs(dict[str, str]):
    """Outputs by name. Looking up one that the stack lacks raises BlueprintError."""

    def __init__(self, stack: str, outputs: dict[str, str]) -> None:
        super().__init__(outputs)
        self._stack = stack

    def __missing__(self, name: str) -> NoReturn:
        raise BlueprintError(
            f"The stack has no output {name}.",
            where=self._stack,
            advice="Check that the stack was deployed from this pattern, and from its current template.",
        )


def usable_outputs(client: Callable[[str], Any], name: str) -> Outputs:
    """The outputs of a stack that is completely deployed; `client` makes a boto3 client of a service.

    Raises BlueprintError if the stack is not deployed, does not exist or cannot be looked up.
    """
    stack = Stacks(client).get(name)
    status = stack["StackStatus"]
    if status not in _USABLE:
        raise BlueprintError(f"The stack is {status}, so it cannot be used.", where=name, advice=_advice(status, name))
    return Outputs(name, outputs_of(stack))


def _advice(status: str, name: str) -> str:
    if status.endswith("_IN_PROGRESS"):
        return "Wait until CloudFormation has finished, then start again."
    return f"'aws cloudformation describe-stack-events --stack-name {name}' says why it failed."
