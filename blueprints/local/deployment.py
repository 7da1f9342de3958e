"""Deploys a template to the embedded AWS, and checks that the deployed stack can work.

CREATE_COMPLETE does not show that a function can be imported or that a rule is enabled. So every function is started,
and every rule and event source mapping is checked, before a stack counts as deployed.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.not_emulated import NOT_EMULATED
from blueprints.local.base.urls import with_local_urls
from blueprints.local.cloud import Cloud
from blueprints.local.startup_failures import Facts, advice
from blueprints.packaging.interpreters import stand_in
from blueprints.pattern import Pattern
from blueprints.stacks.client import Stacks
from blueprints.stacks.stack import Resource, Stack

_PACKAGES = "aws-sam-cli-managed-default-samclisourcebucket-blueprints"
_STARTS_AT_ONCE = 4
_NO_SSM_PARAMETER = re.compile(r"SSM parameter '[^']*' does not exist")


@dataclass(frozen=True)
class EmbeddedStack(Stack):
    """A stack of the embedded AWS; its outputs have the local URLs of APIs."""

    without_effect: tuple[dict[str, str], ...] = ()
    """Properties without effect here: `resource`, `type`, `property` and the `consequence`."""

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
    done: set[str] = set()

    def put(content: bytes, suffix: str) -> tuple[str, str]:
        key = f"{hashlib.sha256(content).hexdigest()}{suffix}"
        if key not in done:  # functions from the same sources have the same package
            s3.put_object(Bucket=_PACKAGES, Key=key, Body=content)
            done.add(key)
        return _PACKAGES, key

    return put


def deploy(cloud: Cloud, stack_name: str, template: str, parameters: Mapping[str, str] | None = None) -> EmbeddedStack:
    """Create or update a stack from a packaged JSON template.

    Raises BlueprintError with the reasons of the failure.
    """

    def upload(large: str) -> str:
        return "/".join((cloud.endpoint, *uploads(cloud)(large.encode(), ".json")))

    try:
        stack = Stacks(cloud.client, upload=upload).deploy(stack_name, template, parameters)
    except BlueprintError as error:
        if not _NO_SSM_PARAMETER.search(error.what):
            raise
        raise BlueprintError(error.what, where=error.where, advice=_PUBLIC_PARAMETERS) from error
    outputs = {name: with_local_urls(value, cloud.endpoint) for name, value in stack.outputs.items()}
    return EmbeddedStack(stack.name, outputs, stack.resources, tuple(cloud.without_effect(stack_name)))


_PUBLIC_PARAMETERS = (
    "The account is empty at the start, without the public parameters of AWS. In a copy of the template, write the "
    "value as Default and a Type without AWS::SSM::Parameter::Value, and run the copy; or name another parameter, "
    "which a template deployed before this one makes."
)


def check_functions(cloud: Cloud, stack: Stack, pattern: Pattern | None = None) -> dict[str, float]:
    """Start one environment of every function, several at a time. Returns milliseconds by logical id.

    Raises BlueprintError for the first function of the stack that fails. With the pattern that the stack was made from,
    the error says what to do next.
    """
    functions = stack.of_type("AWS::Lambda::Function")
    if not functions:
        return {}
    client = cloud.client("lambda")
    threads = ThreadPoolExecutor(_STARTS_AT_ONCE, thread_name_prefix="start-function")
    try:
        starts = [(each, threads.submit(_started, cloud, client, each.physical_id)) for each in functions]
        return {each.logical_id: _milliseconds(cloud, each, start.result(), pattern) for each, start in starts}
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # after a failure, nobody waits for the others


def _started(cloud: Cloud, client: Any, function_name: str) -> dict[str, Any]:
    """Start an environment for each ARN by which events call a function, until one fails; the last answer."""
    answer: dict[str, Any] = {}
    for arn in _as_invoked(client, function_name):
        answer = cloud.initialise(arn)
        if "error" in answer:
            break
    return answer


def _milliseconds(cloud: Cloud, function: Resource, answer: dict[str, Any], pattern: Pattern | None) -> float:
    if "error" in answer:
        raise BlueprintError(
            f"Function {function.logical_id} does not start: {answer['error']}",
            advice=advice(answer["error"], answer["log"].strip(), _facts(cloud, function, pattern)),
        )
    return float(answer["milliseconds"])


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
    return Stacks(cloud.client).nested(stack)


def invocation_arn(cloud: Cloud, stack: Stack, logical_id: str) -> str:
    """The ARN by which events call a function of the stack. Raises BlueprintError when it has no such function."""
    functions = {function.logical_id: function for function in stack.of_type("AWS::Lambda::Function")}
    if logical_id not in functions:
        raise BlueprintError(
            f"{stack.name} has no function {logical_id}.", advice=f"It has: {', '.join(functions) or 'none'}."
        )
    return _as_invoked(cloud.client("lambda"), functions[logical_id].physical_id)[0]


def check_event_sources(cloud: Cloud, stack: Stack, meant: Collection[str] = ()) -> list[str]:
    """A sentence about each disabled rule or mapping that is `meant` to be disabled, by logical id.

    Raises BlueprintError when another rule or event source mapping of the stack is not enabled.
    """
    off = {**_disabled_rules(cloud, stack), **_disabled_mappings(cloud, stack)}
    wrong = [what for logical_id, what in off.items() if logical_id not in meant]
    if wrong:
        raise BlueprintError(f"The stack is deployed, but would not receive these events: {'; '.join(wrong)}.")
    return list(off.values())


def _as_invoked(client: Any, function_name: str) -> list[str]:
    """The ARNs events call a function by: its aliases where it has any, else the function itself."""
    aliases = [alias["AliasArn"] for alias in client.list_aliases(FunctionName=function_name)["Aliases"]]
    return aliases or [client.get_function_configuration(FunctionName=function_name)["FunctionArn"]]


def _disabled_rules(cloud: Cloud, stack: Stack) -> dict[str, str]:
    rules = stack.of_type("AWS::Events::Rule")
    if not rules:
        return {}
    events = cloud.client("events")
    states = {}
    for rule in rules:
        bus, _, name = rule.physical_id.rpartition("|")
        described = events.describe_rule(Name=name, **({"EventBusName": bus} if bus else {}))
        states[rule.logical_id] = described["State"]
    return {name: f"rule {name} is {state}" for name, state in states.items() if state != "ENABLED"}


def _disabled_mappings(cloud: Cloud, stack: Stack) -> dict[str, str]:
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
    if not mappings:
        return {}
    client = cloud.client("lambda")
    states = {each.logical_id: client.get_event_source_mapping(UUID=each.physical_id)["State"] for each in mappings}
    return {name: f"event source mapping {name} is {state}" for name, state in states.items() if state != "Enabled"}
