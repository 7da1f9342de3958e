"""State machines of templates: the resources, and what their executions did."""

import json
import uuid
from typing import Any

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.stacks.stack import Stack
from tests.local.building import role
from tests.local.waiting import until

STATES = "states.amazonaws.com"
LOG_DELIVERY = {
    "Effect": "Allow",
    "Action": [
        *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
        *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies"),
        "logs:DescribeLogGroups",
    ],
    "Resource": "*",
}
MACHINE_ROLE = role(LOG_DELIVERY, service=STATES)
LOG_GROUP: dict[str, Any] = {"Type": "AWS::Logs::LogGroup"}


def passing(result: Any) -> dict[str, Any]:
    """A definition whose executions succeed with a result."""
    return {"StartAt": "Give", "States": {"Give": {"Type": "Pass", "Result": result, "End": True}}}


def machine(**properties: Any) -> dict[str, Any]:
    """A state machine in the stack's role MachineRole."""
    role_arn = {"Fn::GetAtt": ["MachineRole", "Arn"]}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": role_arn, **properties}}


def version(logical_id: str, **properties: Any) -> dict[str, Any]:
    """A version of a state machine's present revision, kept when another replaces it, as SAM writes it."""
    revision = {"Fn::GetAtt": [logical_id, "StateMachineRevisionId"]}
    return {
        "Type": "AWS::StepFunctions::StateMachineVersion",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"StateMachineArn": {"Ref": logical_id}, "StateMachineRevisionId": revision, **properties},
    }


def logging(level: str, *, data: bool = False) -> dict[str, Any]:
    """A LoggingConfiguration to the stack's log group Logs."""
    group = {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}
    return {"Level": level, "IncludeExecutionData": data, "Destinations": [group]}


class Stacks:
    """Creates a stack, and updates it when it is called again."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.name = f"machines-{uuid.uuid4().hex[:12]}"

    def __call__(self, **resources: dict[str, Any]) -> Stack:
        """Deploy resources, by logical id; the Ref of each is an output."""
        return deploy(self._cloud, self.name, self.template(**resources))

    def template(self, **resources: dict[str, Any]) -> str:
        """The template of these resources, with the role of state machines."""
        outputs = {logical_id: {"Value": {"Ref": logical_id}} for logical_id in resources}
        return json.dumps({"Resources": {"MachineRole": MACHINE_ROLE, **resources}, "Outputs": outputs})

    def status(self) -> str:
        """The stack's status."""
        (stack,) = self._cloud.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return str(stack["StackStatus"])


def run(cloud: Cloud, arn: str, given: Any = None, **more: Any) -> dict[str, Any]:
    """Start an execution and wait for its end; what DescribeExecution returns, with the output read."""
    states = cloud.client("stepfunctions")
    started = states.start_execution(stateMachineArn=arn, input=json.dumps(given or {}), **more)
    return ended(cloud, started["executionArn"])


def ended(cloud: Cloud, execution: str) -> dict[str, Any]:
    """What DescribeExecution returns of an execution as soon as it has ended, with the output read."""
    states = cloud.client("stepfunctions")

    def look() -> dict[str, Any] | None:
        described: dict[str, Any] = states.describe_execution(executionArn=execution)
        return None if described["status"] == "RUNNING" else described

    described: dict[str, Any] = until(look)
    return {**described, "output": json.loads(described["output"])} if described.get("output") else described
