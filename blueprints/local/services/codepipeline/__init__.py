"""CodePipeline, which the base emulator lacks.

pipeline_definition  checks what a pipeline is made of
execution            runs a pipeline once, through its stages
actions              runs each kind of action
pipelines            the API
pipeline_service     pipelines as resources of CloudFormation and as targets of EventBridge
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource
from blueprints.local.base.protocol import register
from blueprints.local.services.codepipeline import pipeline_service
from blueprints.local.services.codepipeline.pipelines import API, Pipelines


class CodePipeline(Extension):
    """Adds the service: its API, its resource type, and pipelines as targets of rules."""

    after = ("codebuild", "eventbridge")

    def install(self, aws: EmbeddedAws) -> None:
        self._endpoint = aws.endpoint
        self._pipelines = Pipelines(aws.endpoint, aws.clock)
        register(API, self._pipelines.operations)

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return {"AWS::CodePipeline::Pipeline": pipeline_service.resource_type(self._pipelines)}

    def event_targets(self) -> Mapping[str, Callable[..., None]]:
        return {"codepipeline": pipeline_service.event_target(self._pipelines, self._endpoint)}

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"codepipeline": _pipeline_of}

    def reset(self) -> None:
        self._pipelines.reset()


def _pipeline_of(request: dict[str, Any], query: dict[str, Any]) -> str | None:  # noqa: ARG001 - everything is in the body
    """The pipeline; for an approval, the action that it is for."""
    name = request.get("name") or request.get("pipelineName") or (request.get("pipeline") or {}).get("name")
    return f"{name}/{request.get('stageName')}/{request['actionName']}" if name and "actionName" in request else name


EXTENSION = CodePipeline()
