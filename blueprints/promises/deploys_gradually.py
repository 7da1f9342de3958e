"""Gradual deployment with rollback: a new version proves itself before and after it gets traffic."""

from collections.abc import Iterator
from typing import Any

from blueprints.promises.subject import Breach, Resource, Subject
from blueprints.promises.values import always, at, items, mappings, references, text

ALIAS = "live"
PREFERENCES = (
    "AllAtOnce",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
)

_BEFORE = "BeforeAllowTrafficHook"
_AFTER = "AfterAllowTrafficHook"
_REPORT = "codedeploy:PutLifecycleEventHookExecutionStatus"


def deployment_preference_offers_what_codedeploy_has(subject: Subject) -> Iterator[Breach]:
    """A parameter DeploymentPreference offers all at once and every canary and linear way that CodeDeploy has."""
    parameter = subject.parameters.get("DeploymentPreference", {})
    if set(map(text, items(parameter.get("AllowedValues")))) != set(PREFERENCES):
        offered = ", ".join(PREFERENCES)
        message = f"There is no parameter DeploymentPreference with exactly these AllowedValues; write {offered}."
        yield subject.breach(message, "Parameters", "DeploymentPreference", "AllowedValues")


def events_reach_an_alias(subject: Subject) -> Iterator[Breach]:
    """Events reach a function through its alias `live`, so that a deployment can move them."""
    for function in subject.reached:
        alias = subject.alias_of(function)
        if alias is None or alias.properties.get("Name") != ALIAS:
            message = f"{function} has no alias {ALIAS}; write 'AutoPublishAlias: {ALIAS}'."
            yield subject.breach_of(function, message, "AutoPublishAlias")
            continue
        for source in subject.sources:
            if source.function == function.logical_id and alias.logical_id not in references(source.target):
                message = f"{source.by} brings events past the alias of {function}; write '!Ref {function}.Alias'."
                yield subject.breach_of(source.by, message)


def functions_are_deployed_by_preference(subject: Subject) -> Iterator[Breach]:
    """Every function that events reach is moved to a new version in the way that DeploymentPreference says."""
    for function in subject.reached:
        written = _preference(subject, function)
        gradual = subject.deployment_group_of(function) is not None
        if not gradual or written.get("Type") != {"Ref": "DeploymentPreference"}:
            message = (
                f"{function} ignores the parameter; write 'DeploymentPreference: {{Type: !Ref DeploymentPreference}}'."
            )
            yield subject.breach_of(function, message, "DeploymentPreference", "Type")


def alarms_stop_a_deployment(subject: Subject) -> Iterator[Breach]:
    """An alarm takes a new version back while it is being deployed."""
    for function in subject.reached:
        group = subject.deployment_group_of(function)
        if group and not subject.named(
            list(at(group.properties, "AlarmConfiguration", "Alarms")), "AWS::CloudWatch::Alarm"
        ):
            message = f"No alarm stops a deployment of {function}; write under DeploymentPreference 'Alarms: [!Ref …]'."
            yield subject.breach_of(function, message, "DeploymentPreference")


def a_probe_runs_before_traffic(subject: Subject) -> Iterator[Breach]:
    """A hook sends a new version a probe before it gets traffic."""
    yield from _without_hook(subject, _BEFORE, "PreTraffic", "a function that sends the new version a probe")


def a_check_runs_after_traffic(subject: Subject) -> Iterator[Breach]:
    """A hook looks at what users see after a new version got all traffic."""
    yield from _without_hook(subject, _AFTER, "PostTraffic", "a function that checks what users see")


def deployment_hooks_are_deployed_at_once(subject: Subject) -> Iterator[Breach]:
    """A deployment hook is not itself deployed gradually."""
    for hook in subject.hooks:
        if not always(_preference(subject, hook).get("Enabled"), expected=False):
            message = f"{hook} is a deployment hook; write 'DeploymentPreference: {{Enabled: false}}'."
            yield subject.breach_of(hook, message, "DeploymentPreference")


def deployment_hooks_may_report(subject: Subject) -> Iterator[Breach]:
    """A deployment hook may tell CodeDeploy what it found."""
    for hook in subject.hooks:
        if not any(_REPORT in items(statement.get("Action")) for statement in _allowed(subject, hook)):
            message = f"{hook} may not report to CodeDeploy; write a policy that allows {_REPORT}."
            yield subject.breach_of(hook, message, "Policies")


def deployment_hooks_may_invoke_what_they_probe(subject: Subject) -> Iterator[Breach]:
    """A hook that runs before traffic may invoke the new version of the function that it probes."""
    for function in subject.reached:
        for hook in subject.named(_hooks_of(subject, function, _BEFORE), "AWS::Lambda::Function"):
            if not any(_invokes(statement, function) for statement in _allowed(subject, hook)):
                message = (
                    f"{hook} may not invoke {function}; write a policy that allows "
                    f"lambda:InvokeFunction on '!Sub ${{{function}.Arn}}:*'."
                )
                yield subject.breach_of(hook, message, "Policies")


def _without_hook(subject: Subject, event: str, name: str, what: str) -> Iterator[Breach]:
    for function in subject.reached:
        if not subject.named(_hooks_of(subject, function, event), "AWS::Lambda::Function"):
            message = (
                f"{function} has no {name} hook, {what}; write under DeploymentPreference 'Hooks: {{{name}: !Ref …}}'."
            )
            yield subject.breach_of(function, message, "DeploymentPreference")


def _hooks_of(subject: Subject, function: Resource, event: str) -> list[object]:
    alias = subject.alias_of(function)
    policy = alias.body.get("UpdatePolicy") if alias else None
    return list(at(policy, "CodeDeployLambdaAliasUpdate", event))


def _preference(subject: Subject, function: Resource) -> dict[str, Any]:
    """What is written about a function's deployment: its own over that of Globals."""
    own = subject.template.resources.get(function.logical_id, {}).get("Properties")
    found: dict[str, Any] = {}
    for written in (subject.template.section("Globals").get("Function"), own):
        for preference in mappings(written, "DeploymentPreference"):
            found |= preference
    return found


def _allowed(subject: Subject, function: Resource) -> list[dict[str, Any]]:
    role = subject.role_of(function)
    statements = [statement for _, statement in subject.statements(role)] if role else []
    return [statement for statement in statements if statement.get("Effect") == "Allow"]


def _invokes(statement: dict[str, Any], function: Resource) -> bool:
    named = {name for each in items(statement.get("Resource")) for name in references(each)}
    return "lambda:InvokeFunction" in items(statement.get("Action")) and function.logical_id in named
