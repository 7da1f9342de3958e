"""AWS::StepFunctions::Activity. `Ref` is the ARN; attributes are `Arn` and `Name`."""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Made, Properties
from blueprints.local.services.stepfunctions.resource_types.service_calls import (
    ServiceCalls,
    camel,
    handler_error,
    tags,
)

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())


def handlers(calls: ServiceCalls) -> dict[str, Handler]:
    """CloudFormation's handlers; only tags change in place."""

    def create(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
        name = str(props.get("Name", ""))
        arn = f"arn:aws:states:{REGION.current()()}:{ACCOUNT.current()()}:activity:{name}"
        if calls.find("DescribeActivity", activityArn=arn):
            raise handler_error(f"Activity already exists: '{arn}'", "AlreadyExists")
        encryption = camel(props.get("EncryptionConfiguration"))
        made = calls.do("CreateActivity", name=name, tags=tags(props), encryptionConfiguration=encryption)
        return made["activityArn"], _attributes(made["activityArn"])

    def update(arn: str, old: Properties, new: Properties, stack_name: str) -> Made:  # noqa: ARG001
        calls.set_tags(arn, old, new)
        return arn, _attributes(arn)

    def delete(arn: str, props: Properties) -> None:  # noqa: ARG001
        calls.do("DeleteActivity", activityArn=arn)

    return {"create": create, "update": update, "delete": delete}


def _attributes(arn: str) -> dict[str, Any]:
    return {"Arn": arn, "Name": arn.rpartition(":")[2]}
