"""The outputs of a stack that is deployed completely."""

from collections.abc import Callable
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.errors import BlueprintError
from blueprints.stacks.calls import advice_on

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
            advice="Is it a stack of this pattern, deployed from its present template?",
        )


def usable_outputs(client: Callable[[str], Any], name: str) -> Outputs:
    """The outputs of a stack that is completely deployed; `client` makes a boto3 client of a service.

    Raises BlueprintError if the stack is not deployed, does not exist or cannot be looked up.
    """
    try:
        cloudformation = client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        if "does not exist" in str(error):
            raise BlueprintError(
                f"There is no stack {name} in {cloudformation.meta.region_name} of this account.",
                advice="'sam deploy' and 'blueprints up' make one; --profile, --region and --endpoint say where it is.",
            ) from error
        raise BlueprintError(f"The stack cannot be looked up: {error}", where=name, advice=advice_on(error)) from error
    status = stack["StackStatus"]
    if status not in _USABLE:
        raise BlueprintError(f"The stack is {status}, so it cannot be used.", where=name, advice=_advice(status, name))
    return Outputs(name, {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])})


def _advice(status: str, name: str) -> str:
    if status.endswith("_IN_PROGRESS"):
        return "Wait until CloudFormation has finished, then start again."
    return f"'aws cloudformation describe-stack-events --stack-name {name}' says why it failed."
