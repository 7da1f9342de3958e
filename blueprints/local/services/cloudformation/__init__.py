"""CloudFormation: parallel updates of aliases, refusals and roles as on AWS, and resources that stay in their stack."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource, Route
from blueprints.local.base.http import json_route
from blueprints.local.base.process import WITHOUT_EFFECT_PATH
from blueprints.local.services.cloudformation import (
    change_sets,
    execution_roles,
    exports,
    failed_rollbacks,
    kept_transforms,
    nested_deletions,
    nested_updates,
    operation_under_way,
    parallel_updates,
    passed_roles,
    properties_without_effect,
    refused_deletions,
    secret_references,
    stack_operations,
    stored_resources,
)
from blueprints.local.services.cloudformation.operation_under_way import current_operation
from blueprints.local.services.cloudformation.parallel_updates import GradualType, update_in_parallel
from blueprints.local.services.cloudformation.stack_operations import is_cancelled, is_rolling_back


class CloudFormation(Extension):
    """Extends the base emulator's stacks, and adds the types that are only stored."""

    after = ("dynamodb", "iam", "rds", "s3")

    def install(self, aws: EmbeddedAws) -> None:
        refused_deletions.install()
        nested_deletions.install()
        nested_updates.install()
        operation_under_way.install()
        failed_rollbacks.install()
        parallel_updates.install()
        exports.install()
        secret_references.install()
        kept_transforms.install()
        stack_operations.install()
        passed_roles.install()
        execution_roles.install(aws.endpoint)

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return stored_resources.handlers()

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"cloudformation": change_sets.stack_of_change_set}

    def routes(self) -> Sequence[Route]:
        return [json_route(WITHOUT_EFFECT_PATH, lambda query, _: properties_without_effect.of_stack(query["stack"]))]


EXTENSION = CloudFormation()
__all__ = [
    "EXTENSION",
    "GradualType",
    "current_operation",
    "is_cancelled",
    "is_rolling_back",
    "update_in_parallel",
]
