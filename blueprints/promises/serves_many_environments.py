"""Many environments from one template: parameters and conditions, not copies of the template."""

import re
from collections.abc import Iterator
from typing import Any

from blueprints import samconfig
from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern
from blueprints.promises.values import alternatives, conditions, items, references

ENVIRONMENTS = ("dev", "staging", "prod")

_SWITCH = ["false", "true"]


def environment_is_a_parameter(checked: CheckedPattern) -> Iterator[Finding]:
    """A parameter Environment offers dev, staging and prod."""
    parameter = checked.parameters.get("Environment", {})
    if parameter.get("AllowedValues") != list(ENVIRONMENTS):
        message = "There is no parameter Environment with 'AllowedValues: [dev, staging, prod]'; write it."
        yield checked.finding(message, "Parameters", "Environment", "AllowedValues")


def environment_switches_something(checked: CheckedPattern) -> Iterator[Finding]:
    """The environment changes the stack through a condition of a resource."""
    if "Environment" not in _switching(checked):
        message = (
            "Environment changes nothing; write a condition 'IsProduction: !Equals [!Ref Environment, prod]' and "
            "use it in a resource."
        )
        yield checked.finding(message, "Parameters", "Environment")


def a_feature_flag_switches_something(checked: CheckedPattern) -> Iterator[Finding]:
    """A feature flag, a parameter with the values true and false, changes a resource through a condition."""
    flags = [name for name, each in checked.parameters.items() if _is_flag(each)]
    if not flags:
        message = 'There is no feature flag; write a parameter with AllowedValues: ["true", "false"].'
        yield checked.finding(message, "Parameters")
    elif not _switching(checked) & set(flags):
        conditions = checked.template.section("Conditions").items()
        on_it = next((name for name, condition in conditions if flags[0] in references(condition)), None)
        what_to_do = (
            f"condition {on_it} is not used; use it in a resource, or remove both"
            if on_it
            else "write a condition on it and use that in a resource"
        )
        joint = ": " if on_it else "; "
        yield checked.finding(f"Feature flag {flags[0]} switches nothing{joint}{what_to_do}.", "Parameters", flags[0])


def environment_variables_are_encrypted_with_ones_own_key(checked: CheckedPattern) -> Iterator[Finding]:
    """If KmsKeyArn names a key, every function's environment variables are encrypted with it."""
    if checked.parameters.get("KmsKeyArn", {}).get("Default") != "":
        yield checked.finding(
            "There is no parameter KmsKeyArn with \"Default: ''\"; write it.", "Parameters", "KmsKeyArn"
        )
    for function in checked.functions:
        if {"Ref": "KmsKeyArn"} not in alternatives(function.properties.get("KmsKeyArn")):
            message = (
                f"{function} does not use KmsKeyArn; write 'KmsKeyArn: !If [HasKmsKey, !Ref KmsKeyArn, "
                "!Ref AWS::NoValue]' there or in Globals."
            )
            yield checked.finding_at(function, message, "KmsKeyArn")


def samconfig_has_every_environment(checked: CheckedPattern) -> Iterator[Finding]:
    """The samconfig file deploys dev, staging and prod, each as a stack of its own."""
    config = _config(checked)
    stacks = [config.parameters(name).get("stack_name") for name in ENVIRONMENTS]
    for name, stack in zip(ENVIRONMENTS, stacks, strict=True):
        if _overrides(config, name).get("Environment") != name:
            advice = f'write [{name}.deploy.parameters] with parameter_overrides = "Environment={name}"'
            message = f"{name} is not deployed as {name}; {advice}."
            yield Finding(config.path, config.line(name), message)
        elif stack is None or stacks.count(stack) > 1:
            message = f'{name} has no stack name of its own; write stack_name = "…-{name}".'
            yield Finding(config.path, config.line(name), message)


def samconfig_can_be_read(checked: CheckedPattern) -> Iterator[Finding]:
    """SAM can read the samconfig file and the parameters in it."""
    config = _config(checked)
    try:
        samconfig.read(checked.pattern.folder)
        for name in config.environments:
            config.overrides(name)
    except samconfig.Unreadable as error:
        advice = "" if any(f"; {verb}" in str(error) for verb in ("write", "take", "remove")) else "; correct it"
        yield Finding(config.path, error.line, f"{error}{advice}.")


def samconfig_sets_parameters_that_exist(checked: CheckedPattern) -> Iterator[Finding]:
    """Every parameter that the samconfig file sets exists in the template."""
    config = _config(checked)
    known = checked.parameters
    for name in config.environments:
        for parameter in _overrides(config, name):
            if parameter not in known:
                message = f"{name} sets {parameter}, which the template does not have; write one of {', '.join(known)}."
                yield Finding(config.path, config.line(name), message)


def readme_says_when_to_split(checked: CheckedPattern) -> Iterator[Finding]:
    """The README says when to split stacks, when to split accounts, and how."""
    words = " ".join(checked.readme).lower()
    if not all(re.search(word, words) for word in (r"\bsplit|separate|own account", r"\bstacks?\b", r"\baccounts?\b")):
        message = "README.md does not say when to split stacks and when to split accounts; write when, and how."
        yield checked.finding_in("README.md", message)


def _is_flag(parameter: dict[str, Any]) -> bool:
    return sorted(str(each).lower() for each in items(parameter.get("AllowedValues"))) == _SWITCH


def _switching(checked: CheckedPattern) -> set[str]:
    """The parameters that a condition of a resource depends on."""
    written = checked.template.section("Conditions")
    used = conditions(checked.expanded.get("Resources", {})) & set(written)
    while True:
        more = {each for name in used for each in conditions(written[name])} & set(written)
        if more <= used:
            return {each for name in used for each in references(written[name])}
        used |= more


def _config(checked: CheckedPattern) -> samconfig.SamConfig:
    """The folder's samconfig file; empty if it cannot be read."""
    try:
        return samconfig.read(checked.pattern.folder)
    except samconfig.Unreadable:
        there = (checked.pattern.folder / name for name in samconfig.NAMES)
        return samconfig.SamConfig(next(path for path in there if path.is_file()))


def _overrides(config: samconfig.SamConfig, environment: str) -> dict[str, str]:
    try:
        return config.overrides(environment)
    except samconfig.Unreadable:
        return {}
