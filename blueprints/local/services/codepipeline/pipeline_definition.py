"""Checks the definition of a pipeline as CreatePipeline does, and refuses what is not emulated.

Follows the AWS CodePipeline User Guide, "CodePipeline pipeline structure reference".
"""

from collections.abc import Iterator
from typing import Any

from blueprints.local.base.protocol import ServiceError

COVERED = {("Source", "S3"), ("Build", "CodeBuild"), ("Test", "CodeBuild"), ("Approval", "Manual")}

_PIPELINE = {"name", "roleArn", "artifactStore", "stages", "version", "executionMode", "pipelineType"}
_STAGE = {"name", "actions"}
_ACTION = {
    "name",
    "actionTypeId",
    "runOrder",
    "configuration",
    "inputArtifacts",
    "outputArtifacts",
    "namespace",
    "timeoutInMinutes",
}
_CONFIGURATION = {
    "S3": {"S3Bucket", "S3ObjectKey", "PollForSourceChanges", "AllowOverrideForS3ObjectKey"},
    "CodeBuild": {"ProjectName", "PrimarySource", "EnvironmentVariables"},
    "Manual": {"CustomData", "ExternalEntityLink"},
}

Definition = dict[str, Any]


def check(pipeline: Definition) -> None:
    """Raise ServiceError for what CodePipeline would refuse, and for what is not emulated."""
    if pipeline.get("executionMode", "SUPERSEDED") == "PARALLEL":
        raise ServiceError("InvalidStructureException", "The execution mode PARALLEL is not emulated")
    if "artifactStore" not in pipeline:
        raise ServiceError("InvalidStructureException", "The pipeline has no artifactStore")
    stages = pipeline["stages"]
    if len(stages) < 2:
        raise ServiceError("InvalidStructureException", "Pipeline has only one stage; it must have at least 2 stages")
    _unique([stage["name"] for stage in stages], "stage")
    for position, stage in enumerate(stages):
        _check_stage(stage, first=position == 0)
    _check_artifacts(stages)
    _only(pipeline, _PIPELINE, "The pipeline")


def in_order(stage: Definition) -> Iterator[list[Definition]]:
    """A stage's actions: those of one run order together, in the order of run orders."""
    orders = sorted({int(action.get("runOrder", 1)) for action in stage["actions"]})
    for order in orders:
        yield [action for action in stage["actions"] if int(action.get("runOrder", 1)) == order]


def provider(action: Definition) -> str:
    """Such as `CodeBuild`."""
    return str(action["actionTypeId"]["provider"])


def _check_stage(stage: Definition, *, first: bool) -> None:
    _only(stage, _STAGE, f"The stage {stage['name']}")
    _unique([action["name"] for action in stage["actions"]], "action")
    for action in stage["actions"]:
        is_source = action["actionTypeId"]["category"] == "Source"
        if is_source != first:
            raise ServiceError(
                "InvalidStructureException", "The first stage has source actions and no others; later ones have none"
            )
        _check_action(action)


def _check_action(action: Definition) -> None:
    name, kind = action["name"], action["actionTypeId"]
    if kind["owner"] != "AWS" or (kind["category"], kind["provider"]) not in COVERED:
        raise ServiceError(
            "InvalidActionDeclarationException",
            f"The action {name} of {kind['category']} by {kind['provider']} is not emulated: it needs what is not on "
            "this machine. Sources from S3, builds by CodeBuild and manual approvals are",
        )
    _only(action, _ACTION, f"The action {name}")
    _only(action.get("configuration") or {}, _CONFIGURATION[kind["provider"]], f"The configuration of {name}")
    if kind["provider"] == "CodeBuild" and action.get("outputArtifacts"):
        raise ServiceError(
            "InvalidActionDeclarationException", f"Output artifacts of the build {name} are not emulated"
        )


def _check_artifacts(stages: list[Definition]) -> None:
    made: set[str] = set()
    for stage in stages:
        for actions in in_order(stage):
            for action in actions:
                for artifact in action.get("inputArtifacts") or ():
                    if artifact["name"] not in made:
                        raise ServiceError(
                            "InvalidStructureException",
                            f"Input artifact {artifact['name']} of {action['name']} is no earlier action's output",
                        )
            made |= {artifact["name"] for action in actions for artifact in action.get("outputArtifacts") or ()}


def _only(written: Definition, known: set[str], what: str) -> None:
    unknown = sorted(name for name in written.keys() - known if written[name])
    if unknown:
        raise ServiceError("InvalidStructureException", f"{what} has {', '.join(unknown)}, which is not emulated")


def _unique(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ServiceError("InvalidStructureException", f"There are several {what}s of the name {name}")
