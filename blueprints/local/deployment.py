"""Deploys a pattern's real template to the embedded AWS, and looks whether what stands there can work.

An emulator's hazard is the silent success: CREATE_COMPLETE over a function that can't be imported or a rule that is
off. So every function is started, and every rule and event source mapping looked at, before a stack counts as deployed.
"""

import hashlib
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.services.cloudformation.resource_types import NOT_EMULATED
from blueprints.local.startup_failures import Facts, advice
from blueprints.local.urls import local
from blueprints.packaging.interpreters import stand_in
from blueprints.pattern import Pattern

_PACKAGES = "blueprints-packages"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_BODY_LIMIT = 51_200
_STACK_SECONDS = 120
_NO_SSM_PARAMETER = re.compile(r"SSM parameter '[^']*' does not exist")
_WAIT = {"Delay": 0.05, "MaxAttempts": 2400}


@dataclass(frozen=True)
class Resource:
    """A resource of a deployed stack."""

    logical_id: str
    physical_id: str
    type: str


@dataclass(frozen=True)
class Stack:
    """A deployed stack: what a demo or a person works with."""

    name: str
    outputs: dict[str, str]
    resources: tuple[Resource, ...]
    without_effect: tuple[dict[str, str], ...] = ()
    """Properties without effect here: `resource`, `type`, `property` and the `consequence`."""

    def of_type(self, resource_type: str) -> list[Resource]:
        """Its resources of one CloudFormation type."""
        return [resource for resource in self.resources if resource.type == resource_type]

    @property
    def not_emulated(self) -> list[dict[str, str]]:
        """What is accepted but not emulated: `resource`, `type`, `property` (if it is one), `consequence`."""
        resources = [
            {"resource": each.logical_id, "type": each.type, "consequence": NOT_EMULATED[each.type]}
            for each in self.resources
            if each.type in NOT_EMULATED
        ]
        return [*resources, *self.without_effect]


def uploads(cloud: Cloud) -> Callable[[bytes, str], tuple[str, str]]:
    """A function that uploads content for CloudFormation, under its digest and a suffix, and returns bucket and key."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=_PACKAGES)

    def put(content: bytes, suffix: str) -> tuple[str, str]:
        key = f"{hashlib.sha256(content).hexdigest()}{suffix}"
        s3.put_object(Bucket=_PACKAGES, Key=key, Body=content)
        return _PACKAGES, key

    return put


def deploy(cloud: Cloud, stack_name: str, template: str, parameters: Mapping[str, str] | None = None) -> Stack:
    """Create or update a stack from a packaged JSON template. Its outputs have the local URLs of APIs.

    Raises BlueprintError with the reasons of the failure.
    """
    cloudformation = cloud.client("cloudformation")
    request: dict[str, Any] = {
        "StackName": stack_name,
        "Capabilities": _CAPABILITIES,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in (parameters or {}).items()
        ],
        **_template_argument(cloud, template),
    }
    known = _exists(cloudformation, stack_name)
    try:
        (cloudformation.update_stack if known else cloudformation.create_stack)(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise BlueprintError(
                f"CloudFormation refused the template: {_message(error)}", advice=_advice(_message(error))
            ) from error
    _await(cloudformation, stack_name)
    stack = described(cloudformation, stack_name)
    outputs = {name: local(value, cloud.endpoint) for name, value in stack.outputs.items()}
    return replace(stack, outputs=outputs, without_effect=tuple(cloud.without_effect(stack_name)))


def check_functions(cloud: Cloud, stack: Stack, pattern: Pattern | None = None) -> dict[str, float]:
    """Start one environment of every function. Returns milliseconds by logical id; raises BlueprintError if one fails.

    With the pattern that the stack was made from, the error says what to do next.
    """
    started = {}
    for function in stack.of_type("AWS::Lambda::Function"):
        for arn in _as_invoked(cloud, function.physical_id):
            answer = cloud.initialise(arn)
            if "error" in answer:
                raise BlueprintError(
                    f"Function {function.logical_id} does not start: {answer['error']}",
                    advice=advice(answer["error"], answer["log"].strip(), _facts(cloud, function, pattern)),
                )
            started[function.logical_id] = float(answer["milliseconds"])
    return started


def _facts(cloud: Cloud, function: Resource, pattern: Pattern | None) -> Facts:
    about = cloud.client("lambda").get_function_configuration(FunctionName=function.physical_id)
    runtime = str(about.get("Runtime", ""))
    written = {each.logical_id: each for each in pattern.functions} if pattern else {}
    return Facts(
        top=pattern.folder if pattern else None,
        function=written.get(function.logical_id),
        python=stand_in(runtime.removeprefix("python")) if runtime.startswith("python") else None,
        layers=bool(about.get("Layers")),
    )


def nested_stacks(cloud: Cloud, stack: Stack) -> list[Stack]:
    """The nested stacks of a stack, at any depth."""
    found = [
        described(cloud.client("cloudformation"), each.physical_id)
        for each in stack.of_type("AWS::CloudFormation::Stack")
    ]
    return [inner for each in found for inner in (each, *nested_stacks(cloud, each))]


def invocation_arn(cloud: Cloud, stack: Stack, logical_id: str) -> str:
    """The ARN by which events call a function of the stack. Raises BlueprintError when it has no such function."""
    functions = {function.logical_id: function for function in stack.of_type("AWS::Lambda::Function")}
    if logical_id not in functions:
        raise BlueprintError(
            f"{stack.name} has no function {logical_id}.", advice=f"It has: {', '.join(functions) or 'none'}."
        )
    return _as_invoked(cloud, functions[logical_id].physical_id)[0]


def check_event_sources(cloud: Cloud, stack: Stack, meant: Collection[str] = ()) -> list[str]:
    """A sentence about each disabled rule or mapping that is `meant` to be disabled, by logical id.

    Raises BlueprintError when another rule or event source mapping of the stack is not enabled.
    """
    off = {**_disabled_rules(cloud, stack), **_disabled_mappings(cloud, stack)}
    wrong = [what for logical_id, what in off.items() if logical_id not in meant]
    if wrong:
        raise BlueprintError(f"Deployed, but no event would arrive: {'; '.join(wrong)}.")
    return list(off.values())


def _as_invoked(cloud: Cloud, function_name: str) -> list[str]:
    """The ARNs events call a function by: its aliases where it has any, else the function itself."""
    client = cloud.client("lambda")
    aliases = [alias["AliasArn"] for alias in client.list_aliases(FunctionName=function_name)["Aliases"]]
    return aliases or [client.get_function_configuration(FunctionName=function_name)["FunctionArn"]]


def _disabled_rules(cloud: Cloud, stack: Stack) -> dict[str, str]:
    events = cloud.client("events")
    states = {}
    for rule in stack.of_type("AWS::Events::Rule"):
        bus, _, name = rule.physical_id.rpartition("|")
        described = events.describe_rule(Name=name, **({"EventBusName": bus} if bus else {}))
        states[rule.logical_id] = described["State"]
    return {name: f"rule {name} is {state}" for name, state in states.items() if state != "ENABLED"}


def _disabled_mappings(cloud: Cloud, stack: Stack) -> dict[str, str]:
    client = cloud.client("lambda")
    states = {
        mapping.logical_id: client.get_event_source_mapping(UUID=mapping.physical_id)["State"]
        for mapping in stack.of_type("AWS::Lambda::EventSourceMapping")
    }
    return {name: f"event source mapping {name} is {state}" for name, state in states.items() if state != "Enabled"}


def _advice(refusal: str) -> str | None:
    if not _NO_SSM_PARAMETER.search(refusal):
        return None
    return (
        "The account is empty at the start, without the public parameters of AWS. In a copy of the template, write the "
        "value as Default and a Type without AWS::SSM::Parameter::Value, and run the copy; or name another parameter, "
        "which a template deployed before this one makes."
    )


def _template_argument(cloud: Cloud, template: str) -> dict[str, str]:
    """CloudFormation takes large templates from S3 only."""
    if len(template.encode()) <= _BODY_LIMIT:
        return {"TemplateBody": template}
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=_PACKAGES)
    key = f"{hashlib.sha256(template.encode()).hexdigest()}.json"
    s3.put_object(Bucket=_PACKAGES, Key=key, Body=template.encode())
    return {"TemplateURL": f"{cloud.endpoint}/{_PACKAGES}/{key}"}


def _exists(cloudformation: Any, stack_name: str) -> bool:
    try:
        cloudformation.describe_stacks(StackName=stack_name)
    except ClientError:
        return False
    return True


def _await(cloudformation: Any, stack_name: str) -> None:
    deadline = time.monotonic() + _STACK_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("_IN_PROGRESS"):
            reasons = _failures(cloudformation, stack_name) or stack.get("StackStatusReason", status)
            raise BlueprintError(f"The stack was not deployed ({status}): {reasons}")
        if time.monotonic() > deadline:
            raise _unfinished(status, _in_progress(cloudformation, stack_name))
        time.sleep(0.05)


def _unfinished(status: str, waiting: list[str]) -> BlueprintError:
    which = f": waiting for {', '.join(waiting)}" if waiting else ""
    custom = any("Custom" in each for each in waiting)
    return BlueprintError(
        f"The stack is still {status} after two minutes{which}.",
        advice="A custom resource is complete when its function has sent a response to the event's ResponseURL, which "
        "it has to do after an error too."
        if custom
        else None,
    )


def _in_progress(cloudformation: Any, stack_name: str) -> list[str]:
    """The resources that are being made; events come newest first, so a resource's first one has its state."""
    latest: dict[str, dict[str, Any]] = {}
    for event in cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]:
        latest.setdefault(event["LogicalResourceId"], event)
    latest.pop(stack_name, None)
    return [
        f"{name} ({event['ResourceType']})"
        for name, event in latest.items()
        if event["ResourceStatus"].endswith("_IN_PROGRESS")
    ]


def _failures(cloudformation: Any, stack_name: str) -> str:
    """The resources that failed, with CloudFormation's reasons; those cancelled because of them say nothing."""
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED")]
    reasons = [
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in failed
        if "cancelled" not in event.get("ResourceStatusReason", "")
    ]
    return "; ".join(dict.fromkeys(reasons))


def described(cloudformation: Any, stack_name: str) -> Stack:
    """A stack that stands."""
    described = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    listed = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    return Stack(
        name=stack_name,
        outputs={output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])},
        resources=tuple(
            Resource(each["LogicalResourceId"], each["PhysicalResourceId"], each["ResourceType"]) for each in listed
        ),
    )


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message") or error)
