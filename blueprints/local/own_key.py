"""Gives a pattern a key of KMS of its own, as its parameter KmsKeyArn, to try it as accounts with such keys run it."""

from dataclasses import replace

from blueprints.errors import BlueprintError, at
from blueprints.local.bring_up import Prepared
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern
from blueprints.progress import Progress

PARAMETER = "KmsKeyArn"


def check_takes_a_key(pattern: Pattern) -> None:
    """Raise BlueprintError if the template has no parameter for a key."""
    from blueprints.template.reading import load

    if PARAMETER not in load(pattern.template).section("Parameters"):
        raise BlueprintError(
            f"{pattern.name} has no parameter {PARAMETER}, so it can't be given a key.",
            where=at(pattern.template),
            advice="Leave out --own-key, or add the parameter.",
        )


def with_own_key(cloud: Cloud, prepared: Prepared, progress: Progress) -> Prepared:
    """Make a key with KMS's default key policy, and give it to the pattern."""
    with progress.step("Make a key of KMS") as step:
        key = cloud.client("kms").create_key(Description=f"for {prepared.pattern.name}")["KeyMetadata"]["Arn"]
        step.notes.append(key)
    return replace(prepared, parameters={**prepared.parameters, PARAMETER: key})
