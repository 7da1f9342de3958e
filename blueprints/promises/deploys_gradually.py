"""Gradual deployment with rollback: a new version proves itself before and after it gets traffic."""

from collections.abc import Iterator
from typing import Any

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
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

_MACHINE = "AWS::StepFunctions::StateMachine"
# What starts state machines, and where it names them.
_STARTING: dict[str, tuple[str, ...]] = {
    "AWS::Events::Rule": ("Targets", "Arn"),
    "AWS::Scheduler::Schedule": ("Target", "Arn"),
    "AWS::Pipes::Pipe": ("Target",),
    "AWS::ApiGateway::RestApi": ("Body",),
    "AWS::ApiGatewayV2::Api": ("Body",),
}

_BEFORE = "BeforeAllowTrafficHook"
_AFTER = "AfterAllowTrafficHook"
_REPORT = "codedeploy:PutLifecycleEventHookExecutionStatus"


def deployment_preference_offers_what_codedeploy_has(checked: CheckedPattern) -> Iterator[Finding]:
    """A parameter DeploymentPreference offers AllAtOnce and CodeDeploy's canary and linear configurations."""
    parameter = checked.parameters.get("DeploymentPreference", {})
    if set(map(text, items(parameter.get("AllowedValues")))) != set(PREFERENCES):
        offered = ", ".join(PREFERENCES)
        message = f"There is no parameter DeploymentPreference with exactly these AllowedValues; write {offered}."
        yield checked.finding(message, "Parameters", "DeploymentPreference", "AllowedValues")


def events_reach_an_alias(checked: CheckedPattern) -> Iterator[Finding]:
    """Events reach a function through its alias `live`, so that a deployment can move them."""
    for function in checked.reached:
        alias = checked.alias_of(function)
        if alias is None or alias.properties.get("Name") != ALIAS:
            message = f"{function} has no alias {ALIAS}; write 'AutoPublishAlias: {ALIAS}'."
            yield checked.finding_at(function, message, "AutoPublishAlias")
            continue
        for source in checked.sources:
            if source.function == function.logical_id and alias.logical_id not in references(source.target):
                message = (
                    f"{source.by} delivers events to it without the alias of {function}; write '!Ref {function}.Alias'."
                )
                yield checked.finding_at(source.by, message)


def functions_are_deployed_by_preference(checked: CheckedPattern) -> Iterator[Finding]:
    """Every function that receives events is deployed as DeploymentPreference says."""
    for function in checked.reached:
        written = _preference(checked, function)
        gradual = checked.deployment_group_of(function) is not None
        if not gradual or written.get("Type") != {"Ref": "DeploymentPreference"}:
            message = (
                f"{function} ignores the parameter; write 'DeploymentPreference: {{Type: !Ref DeploymentPreference}}'."
            )
            yield checked.finding_at(function, message, "DeploymentPreference", "Type")


def alarms_stop_a_deployment(checked: CheckedPattern) -> Iterator[Finding]:
    """An alarm rolls a deployment back to the old version."""
    for function in checked.reached:
        group = checked.deployment_group_of(function)
        if group and not checked.named(
            list(at(group.properties, "AlarmConfiguration", "Alarms")), "AWS::CloudWatch::Alarm"
        ):
            message = f"No alarm stops a deployment of {function}; write under DeploymentPreference 'Alarms: [!Ref …]'."
            yield checked.finding_at(function, message, "DeploymentPreference")


def a_probe_runs_before_traffic(checked: CheckedPattern) -> Iterator[Finding]:
    """A hook sends a probe to the new version before it gets traffic."""
    yield from _without_hook(checked, _BEFORE, "PreTraffic", "a function that sends the new version a probe")


def a_check_runs_after_traffic(checked: CheckedPattern) -> Iterator[Finding]:
    """A hook checks what users see after the new version gets all traffic."""
    yield from _without_hook(checked, _AFTER, "PostTraffic", "a function that checks what users see")


def deployment_hooks_are_deployed_at_once(checked: CheckedPattern) -> Iterator[Finding]:
    """A deployment hook is not itself deployed gradually."""
    for hook in checked.hooks:
        if not always(_preference(checked, hook).get("Enabled"), expected=False):
            message = f"{hook} is a deployment hook; write 'DeploymentPreference: {{Enabled: false}}'."
            yield checked.finding_at(hook, message, "DeploymentPreference")


def deployment_hooks_may_report(checked: CheckedPattern) -> Iterator[Finding]:
    """A deployment hook has the permission to report its result to CodeDeploy."""
    for hook in checked.hooks:
        if not any(_REPORT in items(statement.get("Action")) for statement in _allowed(checked, hook)):
            message = f"{hook} may not report to CodeDeploy; write a policy that allows {_REPORT}."
            yield checked.finding_at(hook, message, "Policies")


def deployment_hooks_may_invoke_what_they_probe(checked: CheckedPattern) -> Iterator[Finding]:
    """A hook that runs before traffic has the permission to invoke the new version that it probes."""
    for function in checked.reached:
        for hook in checked.named(_hooks_of(checked, function, _BEFORE), "AWS::Lambda::Function"):
            if not any(_invokes(statement, function) for statement in _allowed(checked, hook)):
                message = (
                    f"{hook} may not invoke {function}; write a policy that allows "
                    f"lambda:InvokeFunction on '!Sub ${{{function}.Arn}}:*'."
                )
                yield checked.finding_at(hook, message, "Policies")


def state_machines_are_deployed_gradually(checked: CheckedPattern) -> Iterator[Finding]:
    """Every state machine has the alias `live`, which moves to new versions, and back if an alarm rings."""
    for machine in checked.of_type(_MACHINE):
        alias = _alias_of_machine(checked, machine)
        if alias is None or alias.properties.get("Name") != ALIAS:
            message = f"{machine} has no alias {ALIAS}; write 'AutoPublishAlias: {ALIAS}'."
            yield checked.finding_at(machine, message, "AutoPublishAlias")
        elif not checked.named(list(at(alias.properties, "DeploymentPreference", "Alarms")), "AWS::CloudWatch::Alarm"):
            message = (
                f"No alarm stops a deployment of {machine}; write 'DeploymentPreference: {{Type: …, Percentage: 10, "
                "Interval: 5, Alarms: [!Ref …]}'."
            )
            yield checked.finding_at(machine, message, "DeploymentPreference")


def events_start_the_alias_of_a_state_machine(checked: CheckedPattern) -> Iterator[Finding]:
    """Rules, schedules, pipes and APIs start a state machine by its alias: SAM's UseAliasAsEventTarget."""
    machines = {machine.logical_id for machine in checked.of_type(_MACHINE)}
    for kind, path in _STARTING.items():
        for source in checked.of_type(kind):
            for name in sorted(machines & references(list(at(source.properties, *path)))):
                message = f"{source} starts {name} without its alias; write 'UseAliasAsEventTarget: true'."
                yield checked.finding_at(source, message)


def _alias_of_machine(checked: CheckedPattern, machine: Resource) -> Resource | None:
    """The alias that is moved to a new version of the state machine."""
    for alias in checked.of_type("AWS::StepFunctions::StateMachineAlias"):
        versions = checked.named([alias.properties], "AWS::StepFunctions::StateMachineVersion")
        if any(machine in checked.named(each.properties.get("StateMachineArn")) for each in versions):
            return alias
    return None


def _without_hook(checked: CheckedPattern, event: str, name: str, what: str) -> Iterator[Finding]:
    for function in checked.reached:
        if not checked.named(_hooks_of(checked, function, event), "AWS::Lambda::Function"):
            message = (
                f"{function} has no {name} hook, {what}; write under DeploymentPreference 'Hooks: {{{name}: !Ref …}}'."
            )
            yield checked.finding_at(function, message, "DeploymentPreference")


def _hooks_of(checked: CheckedPattern, function: Resource, event: str) -> list[object]:
    alias = checked.alias_of(function)
    policy = alias.body.get("UpdatePolicy") if alias else None
    return list(at(policy, "CodeDeployLambdaAliasUpdate", event))


def _preference(checked: CheckedPattern, function: Resource) -> dict[str, Any]:
    """A function's DeploymentPreference: that of Globals, overridden by its own."""
    own = checked.template.resources.get(function.logical_id, {}).get("Properties")
    found: dict[str, Any] = {}
    for written in (checked.template.section("Globals").get("Function"), own):
        for preference in mappings(written, "DeploymentPreference"):
            found |= preference
    return found


def _allowed(checked: CheckedPattern, function: Resource) -> list[dict[str, Any]]:
    role = checked.role_of(function)
    statements = [statement for _, statement in checked.statements(role)] if role else []
    return [statement for statement in statements if statement.get("Effect") == "Allow"]


def _invokes(statement: dict[str, Any], function: Resource) -> bool:
    named = {name for each in items(statement.get("Resource")) for name in references(each)}
    return "lambda:InvokeFunction" in items(statement.get("Action")) and function.logical_id in named
