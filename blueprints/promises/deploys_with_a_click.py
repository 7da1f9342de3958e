"""Deploys with a click: nothing has to be filled in, and an account can hold any number of copies."""

import re
from collections.abc import Iterator
from typing import Any

from blueprints.counting import counted
from blueprints.promises.subject import HOOK_NAME, Breach, Subject
from blueprints.promises.values import STACK_UUID, items, text
from blueprints.sar_rules.limits import FORMS, LABEL, LABELS, METADATA, TEXT_BYTES
from blueprints.template.macros import macro_uses
from blueprints.template.reading import SAM, Place

_ABOUT: Place = ("Metadata", METADATA)

# Names that CloudFormation makes by itself, another one in every copy.
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


def every_parameter_has_a_default(subject: Subject) -> Iterator[Breach]:
    """Every parameter has a default, so that nothing has to be filled in."""
    for name, parameter in subject.parameters.items():
        if "Default" not in parameter:
            message = (
                f"Parameter {name} has no Default; write one with which the stack works. If the parameter is optional, "
                "write '', and give the handler's setting a type that allows None, such as 'str | None'."
            )
            yield subject.breach(message, "Parameters", name)


def every_parameter_has_a_description(subject: Subject) -> Iterator[Breach]:
    """Every parameter has a description that a newcomer understands."""
    for name, parameter in subject.parameters.items():
        if not str(parameter.get("Description", "")).strip():
            message = f"Parameter {name} has no Description; write what it changes, in a sentence."
            yield subject.breach(message, "Parameters", name)


def every_output_has_a_description(subject: Subject) -> Iterator[Breach]:
    """Every output has a description that says what to do with it."""
    for name, output in subject.outputs.items():
        if not str(output.get("Description", "")).strip():
            message = f"Output {name} has no Description; write what to do with it: 'Put an image here'."
            yield subject.breach(message, "Outputs", name)


def nothing_has_a_fixed_name(subject: Subject) -> Iterator[Breach]:
    """No resource but a deployment hook is given a name, so that an account can hold any number of copies."""
    hooks = {hook.logical_id for hook in subject.hooks}
    for resource in subject.resources.values():
        name = _NAMES.get(resource.type, "")
        if name in resource.properties and resource.logical_id not in hooks:
            message = f"{resource} has a {name}; take it out, CloudFormation makes one for every copy."
            yield subject.breach_of(resource, message, name)


def deployment_hooks_are_named_for_codedeploy(subject: Subject) -> Iterator[Breach]:
    """A deployment hook is named `CodeDeployHook_`, then the UUID in the stack's id, then at most 12 characters."""
    form = re.compile(re.escape(HOOK_NAME + STACK_UUID) + r"[a-zA-Z0-9_-]{0,12}")
    for hook in subject.hooks:
        if not form.fullmatch(text(hook.properties.get("FunctionName", ""))):
            message = (
                f"{hook} is a deployment hook that CodeDeploy may not invoke, or that a copy cannot have; write "
                '\'FunctionName: !Sub ["CodeDeployHook_${Id}_probe", '
                "{Id: !Select [2, !Split [/, !Ref AWS::StackId]]}]', with at most 12 characters behind ${Id}."
            )
            yield subject.breach_of(hook, message, "FunctionName")


def only_the_sam_transform_is_used(subject: Subject) -> Iterator[Breach]:
    """The SAM transform is the only one: the Serverless Application Repository takes no other, and no macros."""
    uses = list(macro_uses(subject.template))
    yield from (subject.breach(str(use), *use.place) for use in uses)
    written = subject.template.body.get("Transform")
    if written != SAM and not any(use.place == ("Transform",) for use in uses):
        yield subject.breach(f"Transform is {written!r}; write 'Transform: {SAM}'.", "Transform")
    for place in subject.template.lines:
        if place and place[-1] == "Fn::Transform" and not any(use.place == place for use in uses):
            yield subject.breach("Fn::Transform is a macro; write out what it would generate.", *place)


def application_metadata_is_complete(subject: Subject) -> Iterator[Breach]:
    """The template says what the Serverless Application Repository wants to know of an application."""
    about = _about(subject)
    for name in (*FORMS, *_FILES, "Labels"):
        if name not in about and not (name in _FILES and name.replace("Url", "Body") in about):
            yield subject.breach(f"Metadata {METADATA} has no {name}; write it.", *_ABOUT)


def application_metadata_is_within_limits(subject: Subject) -> Iterator[Breach]:
    """The application's metadata is of the form and size that the Serverless Application Repository takes."""
    about = _about(subject)
    for name, form in FORMS.items():
        value = about.get(name)
        if isinstance(value, str) and not form.takes(value):
            length = counted(len(value), "character")
            message = f"{name} has {length}; write 1 to {form.longest}, of the form {form.pattern}"
            yield subject.breach(message, *_ABOUT, name)
    yield from _labels(subject, about.get("Labels"))
    for name in _FILES:
        path = subject.template.folder / str(about.get(name, ""))
        local = name in about and "://" not in str(about[name])
        if local and not path.is_file():
            yield subject.breach(f"{name} names {about[name]}, which does not exist; write the file.", *_ABOUT, name)
        elif local and path.stat().st_size > TEXT_BYTES:
            yield subject.breach(f"{about[name]} is larger than 5 MB; shorten it.", *_ABOUT, name)


def application_metadata_is_literal(subject: Subject) -> Iterator[Breach]:
    """The application's metadata is plain text: the Serverless Application Repository knows no intrinsic functions."""
    for name, value in _about(subject).items():
        if any(not isinstance(each, str) for each in items(value)):
            yield subject.breach(f"{name} is not plain text; write the text itself.", *_ABOUT, name)


def architectures_are_literal(subject: Subject) -> Iterator[Breach]:
    """Every function's Architectures is literal: the Serverless Application Repository refuses a Ref there."""
    for function in subject.template.of_type("AWS::Serverless::Function"):
        written = subject.template.properties(function).get("Architectures")
        if written not in (["arm64"], ["x86_64"]):
            message = f"{function}: Architectures is {written!r}; write 'Architectures: [arm64]' there or in Globals."
            yield subject.breach(message, *subject.place(function, "Architectures"))


def _about(subject: Subject) -> dict[str, Any]:
    about = subject.template.section("Metadata").get(METADATA)
    return about if isinstance(about, dict) else {}


def _labels(subject: Subject, labels: object) -> Iterator[Breach]:
    written = labels if isinstance(labels, list) else []
    if len(written) > LABELS:
        yield subject.breach(f"There are {len(written)} Labels; write at most {LABELS}.", *_ABOUT, "Labels")
    for index, label in enumerate(written):
        if isinstance(label, str) and not LABEL.takes(label):
            message = f"Label {label!r}: write 1 to {LABEL.longest} characters of the form {LABEL.pattern}"
            yield subject.breach(message, *_ABOUT, "Labels", index)
