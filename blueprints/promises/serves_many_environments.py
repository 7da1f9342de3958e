"""Many environments from one template: parameters and conditions, not copies of the template."""

import re
from collections.abc import Iterator
from typing import Any

from blueprints import samconfig
from blueprints.promises.subject import Breach, Subject
from blueprints.promises.values import alternatives, conditions, items, references

ENVIRONMENTS = ("dev", "staging", "prod")

_SWITCH = ["false", "true"]


def environment_is_a_parameter(subject: Subject) -> Iterator[Breach]:
    """A parameter Environment offers dev, staging and prod."""
    parameter = subject.parameters.get("Environment", {})
    if parameter.get("AllowedValues") != list(ENVIRONMENTS):
        message = "There is no parameter Environment with 'AllowedValues: [dev, staging, prod]'; write it."
        yield subject.breach(message, "Parameters", "Environment", "AllowedValues")


def environment_switches_something(subject: Subject) -> Iterator[Breach]:
    """The environment changes the stack through a condition that a resource uses."""
    if "Environment" not in _switching(subject):
        message = (
            "Environment changes nothing; write a condition 'IsProduction: !Equals [!Ref Environment, prod]' and "
            "use it in a resource."
        )
        yield subject.breach(message, "Parameters", "Environment")


def a_feature_flag_switches_something(subject: Subject) -> Iterator[Breach]:
    """A feature flag, a parameter of true and false, changes the stack through a condition that a resource uses."""
    flags = [name for name, each in subject.parameters.items() if _is_flag(each)]
    if not flags:
        message = 'There is no feature flag; write a parameter with AllowedValues: ["true", "false"].'
        yield subject.breach(message, "Parameters")
    elif not _switching(subject) & set(flags):
        conditions = subject.template.section("Conditions").items()
        on_it = next((name for name, condition in conditions if flags[0] in references(condition)), None)
        what_to_do = (
            f"condition {on_it} is not used; put it into a resource, or take both out"
            if on_it
            else "write a condition on it and use that in a resource"
        )
        joint = ": " if on_it else "; "
        yield subject.breach(f"Feature flag {flags[0]} switches nothing{joint}{what_to_do}.", "Parameters", flags[0])


def environment_variables_are_encrypted_with_ones_own_key(subject: Subject) -> Iterator[Breach]:
    """Every function's environment variables are encrypted with the key that KmsKeyArn names, when it names one."""
    if subject.parameters.get("KmsKeyArn", {}).get("Default") != "":
        yield subject.breach(
            "There is no parameter KmsKeyArn with \"Default: ''\"; write it.", "Parameters", "KmsKeyArn"
        )
    for function in subject.functions:
        if {"Ref": "KmsKeyArn"} not in alternatives(function.properties.get("KmsKeyArn")):
            message = (
                f"{function} does not use KmsKeyArn; write 'KmsKeyArn: !If [HasKmsKey, !Ref KmsKeyArn, "
                "!Ref AWS::NoValue]' there or in Globals."
            )
            yield subject.breach_of(function, message, "KmsKeyArn")


def samconfig_has_every_environment(subject: Subject) -> Iterator[Breach]:
    """The samconfig file deploys to dev, staging and prod, each to a stack of its own with its own Environment."""
    config = _config(subject)
    stacks = [config.parameters(name).get("stack_name") for name in ENVIRONMENTS]
    for name, stack in zip(ENVIRONMENTS, stacks, strict=True):
        if _overrides(config, name).get("Environment") != name:
            advice = f'write [{name}.deploy.parameters] with parameter_overrides = "Environment={name}"'
            message = f"{name} is not deployed as {name}; {advice}."
            yield Breach(config.path, config.line(name), message)
        elif stack is None or stacks.count(stack) > 1:
            message = f'{name} has no stack of its own; write stack_name = "…-{name}".'
            yield Breach(config.path, config.line(name), message)


def samconfig_can_be_read(subject: Subject) -> Iterator[Breach]:
    """SAM can read the samconfig file, and the parameters that it sets."""
    config = _config(subject)
    try:
        samconfig.read(subject.pattern.folder)
        for name in config.environments:
            config.overrides(name)
    except samconfig.Unreadable as error:
        advice = "" if "; write" in str(error) or "; take" in str(error) else "; mend it there"
        yield Breach(config.path, error.line, f"{error}{advice}.")


def samconfig_sets_parameters_that_exist(subject: Subject) -> Iterator[Breach]:
    """Every parameter that the samconfig file sets is one of the template's."""
    config = _config(subject)
    known = subject.parameters
    for name in config.environments:
        for parameter in _overrides(config, name):
            if parameter not in known:
                message = f"{name} sets {parameter}, which the template does not have; write one of {', '.join(known)}."
                yield Breach(config.path, config.line(name), message)


def readme_says_when_to_split(subject: Subject) -> Iterator[Breach]:
    """The README says when to split stacks, when to split accounts, and how."""
    words = " ".join(subject.readme).lower()
    if not all(re.search(word, words) for word in (r"\bsplit|separate|own account", r"\bstacks?\b", r"\baccounts?\b")):
        message = "README.md does not say when to split stacks and when to split accounts; write when, and how."
        yield subject.breach_in("README.md", message)


def _is_flag(parameter: dict[str, Any]) -> bool:
    return sorted(str(each).lower() for each in items(parameter.get("AllowedValues"))) == _SWITCH


def _switching(subject: Subject) -> set[str]:
    """Parameters on which a condition depends that a resource uses."""
    written = subject.template.section("Conditions")
    used = conditions(subject.expanded.get("Resources", {})) & set(written)
    while True:
        more = {each for name in used for each in conditions(written[name])} & set(written)
        if more <= used:
            return {each for name in used for each in references(written[name])}
        used |= more


def _config(subject: Subject) -> samconfig.SamConfig:
    """The folder's samconfig file; one that cannot be read has nothing in it."""
    try:
        return samconfig.read(subject.pattern.folder)
    except samconfig.Unreadable:
        there = (subject.pattern.folder / name for name in samconfig.NAMES)
        return samconfig.SamConfig(next(path for path in there if path.is_file()))


def _overrides(config: samconfig.SamConfig, environment: str) -> dict[str, str]:
    try:
        return config.overrides(environment)
    except samconfig.Unreadable:
        return {}
