"""AWS::StepFunctions::StateMachine. `Ref` is the ARN; attributes are `Arn`, `Name` and `StateMachineRevisionId`."""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Made, Properties
from blueprints.local.services.stepfunctions.resource_types.definitions import definition
from blueprints.local.services.stepfunctions.resource_types.service_calls import (
    ServiceCalls,
    camel,
    handler_error,
    tags,
)

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())
PHYSICAL_NAME = Internal(
    "services.cloudformation.provisioners",
    "_physical_name",
    ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
)

INITIAL_REVISION = "INITIAL"
"""The revision id of a state machine that was never updated."""

_LONGEST_NAME = 80
_NO_LOGS = {"Level": "OFF", "IncludeExecutionData": False}
_NO_TRACES = {"Enabled": False}


def handlers(calls: ServiceCalls) -> dict[str, Handler]:
    """CloudFormation's handlers. Another name or type replaces the state machine, which CloudFormation does itself."""

    def create(logical_id: str, props: Properties, stack_name: str) -> Made:
        name = str(
            props.get("StateMachineName") or PHYSICAL_NAME.current()(stack_name, logical_id, max_len=_LONGEST_NAME)
        )
        arn = f"arn:aws:states:{REGION.current()()}:{ACCOUNT.current()()}:stateMachine:{name}"
        if calls.state_machine(arn):
            raise handler_error(f"State Machine Already Exists: '{arn}'", "AlreadyExists")
        made = calls.do(
            "CreateStateMachine",
            name=name,
            type=props.get("StateMachineType"),
            tags=tags(props),
            encryptionConfiguration=camel(props.get("EncryptionConfiguration")),
            **_settings(props),
        )
        return made["stateMachineArn"], _attributes(calls, made["stateMachineArn"])

    def update(arn: str, old: Properties, new: Properties, stack_name: str) -> Made:  # noqa: ARG001
        calls.do(
            "UpdateStateMachine",
            stateMachineArn=arn,
            # Without it in the template, a state machine keeps its key.
            encryptionConfiguration=camel(new.get("EncryptionConfiguration")),
            **_settings(new),
        )
        calls.set_tags(arn, old, new)
        return arn, _attributes(calls, arn)

    def delete(arn: str, props: Properties) -> None:  # noqa: ARG001
        if calls.state_machine(arn):
            calls.do("DeleteStateMachine", stateMachineArn=arn)

    return {"create": create, "update": update, "delete": delete}


def _settings(props: Properties) -> dict[str, Any]:
    """What creation and update have in common; logs and traces that a template does not mention are off."""
    return {
        "definition": definition(props),
        "roleArn": props.get("RoleArn"),
        "loggingConfiguration": camel(props.get("LoggingConfiguration") or _NO_LOGS),
        "tracingConfiguration": camel(props.get("TracingConfiguration") or _NO_TRACES),
    }


def _attributes(calls: ServiceCalls, arn: str) -> dict[str, Any]:
    described = calls.do("DescribeStateMachine", stateMachineArn=arn)
    return {
        "Arn": arn,
        "Name": described["name"],
        "StateMachineRevisionId": described.get("revisionId") or INITIAL_REVISION,
    }
