"""The CloudFormation capabilities that deploying an application requires, found in the template as written."""

from collections.abc import Iterator
from typing import Any

from blueprints.template.reading import Place, Template

IAM, NAMED, RESOURCE_POLICY, EXPAND = (
    "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_RESOURCE_POLICY", "CAPABILITY_AUTO_EXPAND",
)  # fmt: skip

IAM_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
RESOURCE_POLICIES = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::IAM::Policy",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
_WITH_POLICIES = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")


def required(template: Template) -> dict[str, Place]:
    """Each required capability, with the first place that requires it. SAM's policy templates require none."""
    found: dict[str, Place] = {}
    for capability, place in _requirements(template):
        found.setdefault(capability, place)
    return found


def _requirements(template: Template) -> Iterator[tuple[str, Place]]:
    for logical_id, resource in template.resources.items():
        kind, place = str(resource.get("Type")), ("Resources", logical_id)
        if kind in IAM_NAMES:
            yield (NAMED if IAM_NAMES[kind] in template.properties(logical_id) else IAM), place
        if kind in _WITH_POLICIES and not _only_templates(template.properties(logical_id).get("Policies", [])):
            yield IAM, (*place, "Properties", "Policies")
        if kind in RESOURCE_POLICIES:
            yield RESOURCE_POLICY, place
        if kind in ("AWS::Serverless::Application", "AWS::CloudFormation::Stack"):
            yield EXPAND, place


def _only_templates(policies: Any) -> bool:
    if isinstance(policies, list):
        return all(_only_templates(policy) for policy in policies)
    if not isinstance(policies, dict):
        return False
    if set(policies) == {"Fn::If"}:
        return _only_templates(policies["Fn::If"][1:])
    if set(policies) == {"Ref"}:
        return bool(policies["Ref"] == "AWS::NoValue")
    return len(policies) == 1 and not {"Statement", "Version"} & set(policies) and "::" not in next(iter(policies))
