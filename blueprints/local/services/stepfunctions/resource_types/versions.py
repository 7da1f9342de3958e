"""AWS::StepFunctions::StateMachineVersion. `Ref` and the attribute `Arn` are the version's ARN.

Every property replaces the version: a new one is published, and the old one deleted unless the template retains it.
"""

from blueprints.local.base.resource_types import Handler, Made, Properties
from blueprints.local.services.stepfunctions.resource_types.service_calls import ServiceCalls


def handlers(calls: ServiceCalls) -> dict[str, Handler]:
    """CloudFormation's handlers; there is no update in place."""

    def create(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
        made = calls.do(
            "PublishStateMachineVersion",
            stateMachineArn=props.get("StateMachineArn"),
            revisionId=props.get("StateMachineRevisionId"),
            description=props.get("Description"),
        )
        arn = made["stateMachineVersionArn"]
        return arn, {"Arn": arn}

    def delete(arn: str, props: Properties) -> None:  # noqa: ARG001
        if calls.find("DescribeStateMachine", stateMachineArn=arn):
            calls.do("DeleteStateMachineVersion", stateMachineVersionArn=arn)

    return {"create": create, "delete": delete}
