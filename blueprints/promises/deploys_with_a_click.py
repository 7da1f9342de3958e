"""Deploys with a click: nothing has to be filled in, and an account can hold any number of copies."""

import re
from collections.abc import Iterator
from typing import Any

from blueprints.counting import counted
from blueprints.findings import Finding
from blueprints.promises.checked_pattern import HOOK_NAME, CheckedPattern
from blueprints.promises.values import STACK_UUID, items, references, text
from blueprints.sar_rules.limits import FORMS, LABEL, LABELS, METADATA, TEXT_BYTES
from blueprints.template.macros import macro_uses
from blueprints.template.reading import SAM, Place

_ABOUT: Place = ("Metadata", METADATA)

# The properties for which CloudFormation generates a name, different in every copy.
_NAMES = {
    "AWS::ApiGateway::ApiKey": "Name",
    "AWS::ApiGateway::UsagePlan": "UsagePlanName",
    "AWS::Athena::WorkGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::Glue::Crawler": "Name",
    "AWS::Glue::Job": "Name",
    "AWS::Glue::Trigger": "Name",
    "AWS::Glue::Workflow": "Name",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::Activity": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}

_FILES = ("LicenseUrl", "ReadmeUrl")


def every_parameter_has_a_default(checked: CheckedPattern) -> Iterator[Finding]:
    """Every parameter has a default, so that nothing has to be filled in."""
    for name, parameter in checked.parameters.items():
        if "Default" not in parameter:
            message = (
                f"Parameter {name} has no Default; write one with which the stack works. If the parameter is optional, "
                "write '', and give the handler's setting a type that allows None, such as 'str | None'."
            )
            yield checked.finding(message, "Parameters", name)


def every_parameter_has_a_description(checked: CheckedPattern) -> Iterator[Finding]:
    """Every parameter has a description that a newcomer understands."""
    for name, parameter in checked.parameters.items():
        if not str(parameter.get("Description", "")).strip():
            message = f"Parameter {name} has no Description; write what it changes, in a sentence."
            yield checked.finding(message, "Parameters", name)


def every_output_has_a_description(checked: CheckedPattern) -> Iterator[Finding]:
    """Every output has a description that says what to do with it."""
    for name, output in checked.outputs.items():
        if not str(output.get("Description", "")).strip():
            message = f"Output {name} has no Description; write what to do with it: 'Put an image here'."
            yield checked.finding(message, "Outputs", name)


def nothing_has_a_fixed_name(checked: CheckedPattern) -> Iterator[Finding]:
    """No resource except a deployment hook has a fixed name, so an account can hold any number of copies."""
    hooks = {hook.logical_id for hook in checked.hooks}
    for resource in checked.resources.values():
        name = _NAMES.get(resource.type, "")
        if name not in resource.properties or resource.logical_id in hooks:
            continue
        # A name that contains another resource's name or attribute is different in every copy.
        if not references(resource.properties[name]) & checked.resources.keys():
            message = f"{resource} has a {name}; remove it, as CloudFormation generates one for every copy."
            yield checked.finding_at(resource, message, name)


def deployment_hooks_are_named_for_codedeploy(checked: CheckedPattern) -> Iterator[Finding]:
    """A deployment hook is named `CodeDeployHook_`, then the UUID in the stack's id, then at most 12 characters."""
    form = re.compile(re.escape(HOOK_NAME + STACK_UUID) + r"[a-zA-Z0-9_-]{0,12}")
    for hook in checked.hooks:
        if not form.fullmatch(text(hook.properties.get("FunctionName", ""))):
            message = (
                f"{hook} is a deployment hook that CodeDeploy may not invoke, or that a copy cannot have; write "
                '\'FunctionName: !Sub ["CodeDeployHook_${Id}_probe", '
                "{Id: !Select [2, !Split [/, !Ref AWS::StackId]]}]', with at most 12 characters behind ${Id}."
            )
            yield checked.finding_at(hook, message, "FunctionName")


def only_the_sam_transform_is_used(checked: CheckedPattern) -> Iterator[Finding]:
    """SAM is the only transform: the Serverless Application Repository accepts no other, and no macros."""
    uses = list(macro_uses(checked.template))
    yield from (checked.finding(str(use), *use.place) for use in uses)
    written = checked.template.body.get("Transform")
    if written != SAM and not any(use.place == ("Transform",) for use in uses):
        yield checked.finding(f"Transform is {written or 'missing'}; write 'Transform: {SAM}'.", "Transform")
    for place in checked.template.lines:
        if place and place[-1] == "Fn::Transform" and not any(use.place == place for use in uses):
            yield checked.finding("Fn::Transform is a macro; write what it generates in its place.", *place)


def application_metadata_is_complete(checked: CheckedPattern) -> Iterator[Finding]:
    """The template has all the metadata that the Serverless Application Repository shows."""
    about = _about(checked)
    for name in (*FORMS, *_FILES, "Labels"):
        if name not in about and not (name in _FILES and name.replace("Url", "Body") in about):
            yield checked.finding(f"Metadata {METADATA} has no {name}; write it.", *_ABOUT)


def application_metadata_is_within_limits(checked: CheckedPattern) -> Iterator[Finding]:
    """The metadata has the form and size that the Serverless Application Repository accepts."""
    about = _about(checked)
    for name, form in FORMS.items():
        value = about.get(name)
        if isinstance(value, str) and not form.takes(value):
            length = counted(len(value), "character")
            message = f"{name} has {length}; write 1 to {form.longest}, of the form {form.pattern}"
            yield checked.finding(message, *_ABOUT, name)
    yield from _labels(checked, about.get("Labels"))
    for name in _FILES:
        path = checked.template.folder / str(about.get(name, ""))
        local = name in about and "://" not in str(about[name])
        if local and not path.is_file():
            yield checked.finding(f"{name} names {about[name]}, which does not exist; write the file.", *_ABOUT, name)
        elif local and path.stat().st_size > TEXT_BYTES:
            yield checked.finding(f"{about[name]} is larger than 5 MB; shorten it.", *_ABOUT, name)


def application_metadata_is_literal(checked: CheckedPattern) -> Iterator[Finding]:
    """The metadata is plain text: the Serverless Application Repository resolves no intrinsic functions."""
    for name, value in _about(checked).items():
        if any(not isinstance(each, str) for each in items(value)):
            yield checked.finding(f"{name} is not plain text; write the text itself.", *_ABOUT, name)


def architectures_are_literal(checked: CheckedPattern) -> Iterator[Finding]:
    """Every function's Architectures is literal: the Serverless Application Repository rejects a Ref there."""
    for function in checked.template.of_type("AWS::Serverless::Function"):
        written = checked.template.properties(function).get("Architectures")
        if written not in (["arm64"], ["x86_64"]):
            message = f"{function}: Architectures is {written or 'missing'}; write 'Architectures: [arm64]'."
            yield checked.finding(message, *checked.place(function, "Architectures"))


def _about(checked: CheckedPattern) -> dict[str, Any]:
    about = checked.template.section("Metadata").get(METADATA)
    return about if isinstance(about, dict) else {}


def _labels(checked: CheckedPattern, labels: object) -> Iterator[Finding]:
    written = labels if isinstance(labels, list) else []
    if len(written) > LABELS:
        yield checked.finding(f"There are {len(written)} Labels; write at most {LABELS}.", *_ABOUT, "Labels")
    for index, label in enumerate(written):
        if isinstance(label, str) and not LABEL.takes(label):
            message = f"Label {label!r}: write 1 to {LABEL.longest} characters of the form {LABEL.pattern}"
            yield checked.finding(message, *_ABOUT, "Labels", index)
