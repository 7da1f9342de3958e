"""What a Task state calls, shortened: `lambda:invoke ReserveStock` instead of ARNs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.flow_pictures.conditions import expression, path

_INTEGRATION = re.compile(
    r"^arn:[\w-]+:states:[\w-]*:\d*:(?P<call>[\w:-]+?)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?$"
)
_SUBSTITUTION = re.compile(r"^\$\{([^}]+)\}(?::\$LATEST)?$")
_IN_SUB = re.compile(r"\$\{([^!}]+)\}")
_TARGETS = (
    "FunctionName",
    "StateMachineArn",
    "JobName",
    "TableName",
    "QueueUrl",
    "TopicArn",
    "Bucket",
    "ProjectName",
    "StreamName",
    "ApiEndpoint",
    "Name",
)
"""Arguments that name what a call is about, the most telling first."""
_WAITS = {
    ".waitForTaskToken": "waits for a task token",
    ".sync": "waits until it has finished",
    ".sync:2": "waits until it has finished",
}
_AN_ACTIVITY = "waits for a worker"


@dataclass(frozen=True)
class Call:
    """What a Task calls."""

    words: str
    """Such as `lambda:invoke ReserveStock`."""
    waits: str
    """What it waits for after the call; empty if for nothing."""
    awaits_token: bool
    """Whether someone else ends the task: by a task token, or as the worker of an activity."""


def call_of(state: Mapping[str, Any], names: Mapping[str, str]) -> Call:
    """What a Task state calls. `names` has shorter names for texts in the definition, such as ARNs and placeholders."""
    resource = state.get("Resource", "")
    if not isinstance(resource, str):  # a function of CloudFormation
        return _direct(resource, names)
    found = _INTEGRATION.match(resource)
    if found is None or found["call"].startswith(("activity:", "stateMachine:")):
        return _direct(resource, names)
    arguments = state.get("Arguments") or state.get("Parameters")
    target = _target(arguments if isinstance(arguments, Mapping) else {}, names)
    call, pattern = found["call"].removeprefix("aws-sdk:"), found["pattern"] or ""
    words = f"{call} {target}".strip()
    return Call(words, _WAITS.get(pattern, ""), pattern == ".waitForTaskToken")


def _direct(resource: object, names: Mapping[str, str]) -> Call:
    name = short_name(resource, names)
    if ":activity:" in str(resource):
        return Call(f"activity {name}", _AN_ACTIVITY, True)
    return Call(f"lambda:invoke {name}" if name else "", "", False)


def _target(arguments: Mapping[str, Any], names: Mapping[str, str]) -> str:
    for key in _TARGETS:
        if key in arguments:
            return short_name(arguments[key], names)
        if f"{key}.$" in arguments:
            return path(arguments[f"{key}.$"])
    return ""


def short_name(value: object, names: Mapping[str, str]) -> str:
    """The name in an ARN, URL, placeholder or function of CloudFormation; `names` goes before."""
    text = value if isinstance(value, str) else reference(value) or expression(value)
    if text in names:
        return names[text]
    placeholder = _SUBSTITUTION.match(text)
    if placeholder:
        return names.get(placeholder[1], placeholder[1])
    if text.startswith("{%"):
        return expression(text)
    name = _name_in_arn(text) if text.startswith("arn:") else text
    name = name.rstrip("/").rpartition("/")[2] if "://" in name else name
    return names.get(name, name)


def reference(value: object) -> str:
    """The logical id in a Ref, GetAtt, or a Sub that names one resource or parameter; empty if it is something else.

    SAM also knows a Ref to `Function.Version` and `Function.Alias`.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        return ""
    name, argument = next(iter(value.items()))
    if name == "Ref":
        return str(argument).partition(".")[0]
    if name == "Fn::GetAtt" and argument:
        return str(argument[0]) if isinstance(argument, list) else str(argument).partition(".")[0]
    found = _IN_SUB.findall(argument) if name == "Fn::Sub" and isinstance(argument, str) else []
    named = {each.partition(".")[0] for each in found if not each.startswith("AWS::")}
    return named.pop() if len(named) == 1 else ""


def _name_in_arn(arn: str) -> str:
    parts = arn.split(":", 5)[-1].split(":")
    name = parts[1] if len(parts) > 1 else parts[0]
    return name.rpartition("/")[2]
