"""The resource types that can be deployed here; templates with others are refused before anything is packaged."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.not_emulated import STORED
from blueprints.pattern import Pattern
from blueprints.template.reading import Template

_BASE_REGISTRY = "ministack/services/cloudformation/provisioners.py"
_ENTRY = re.compile(r'^    "(AWS::\w+::\w+)": \{', re.MULTILINE)
_ADDED = (
    *("AWS::Athena::NamedQuery", "AWS::CodePipeline::Pipeline", "AWS::Kinesis::StreamConsumer"),
    *(f"AWS::CodeDeploy::{kind}" for kind in ("Application", "DeploymentConfig", "DeploymentGroup")),
    *(
        "AWS::StepFunctions::Activity",
        "AWS::StepFunctions::StateMachineAlias",
        "AWS::StepFunctions::StateMachineVersion",
    ),
)
_ELSEWHERE = ("Custom::", "AWS::Serverless::")


@cache
def supported_types() -> frozenset[str]:
    """Every resource type that can be deployed here.

    The base emulator's table is read as text: importing it takes seconds, which the tools leave to its own process.
    """
    text = Path(str(distribution("ministack").locate_file(_BASE_REGISTRY))).read_text(encoding="utf-8")
    _, _, registry = text.partition("\n_RESOURCE_HANDLERS = {")
    return frozenset((*_ENTRY.findall(registry), *_ADDED, *STORED))


def check_types(pattern: Pattern, template: Template, expanded: Mapping[str, Any]) -> None:
    """Raise BlueprintError if resources cannot be deployed here; those with a Condition are not checked."""
    reasons = dict(_unsupported(expanded))
    if not reasons:
        return
    named = [name for name in reasons if name in template.resources]
    first = named[0] if named else next(iter(reasons))
    listed = "; ".join(f"{name} is {reason}" for name, reason in reasons.items())
    which = ", ".join(named) or first
    raise BlueprintError(
        f"{listed}.",
        where=template.at("Resources", first, "Type"),
        advice=f"It can be deployed to AWS unchanged. To run the rest here, copy the template without {which} "
        f"and the references to {'it' if len(reasons) == 1 else 'them'}, and deploy that: "
        f"'blueprints up {pattern.template.parent.name}/copy.yaml'.",
    )


def _unsupported(expanded: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for logical_id, resource in expanded.get("Resources", {}).items():
        kind = str(resource.get("Type"))
        if "Condition" in resource or kind.startswith(_ELSEWHERE):
            continue
        if kind not in supported_types():
            yield logical_id, f"an {kind}, which the embedded AWS does not have"
        elif kind.startswith("AWS::RDS::DB") and not _runs(kind, resource.get("Properties") or {}):
            yield logical_id, f"an {kind}, and of RDS only aurora-postgresql clusters with their instances run here"


def _runs(kind: str, properties: Mapping[str, Any]) -> bool:
    from blueprints.local.services.rds.clusters import ENGINE

    engine = properties.get("Engine")
    if kind == "AWS::RDS::DBInstance":
        return "DBClusterIdentifier" in properties
    return kind != "AWS::RDS::DBCluster" or not isinstance(engine, str) or engine == ENGINE
