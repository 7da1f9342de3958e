"""CodeDeploy: gradual deployments of functions, which the base emulator lacks.

records          applications, deployment groups, configurations, deployments
revisions        reads AppSpec files
lambda_calls     what a deployment does with the function, in the role of its deployment group
deployments      runs deployments
api              the API
update_policies  updates of aliases in stacks go through deployments
resource_types   resources of CloudFormation
managed_policies the policies of the service's role
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource
from blueprints.local.base.protocol import register
from blueprints.local.services.codedeploy import managed_policies, resource_types, update_policies
from blueprints.local.services.codedeploy.api import API, CodeDeploy


class CodeDeployExtension(Extension):
    """Adds the service; aliases move through its deployments when their stack is updated."""

    after = ("cloudformation", "cloudwatch", "iam", "lambda_", "stepfunctions")

    def install(self, aws: EmbeddedAws) -> None:
        self._service = CodeDeploy(aws.endpoint, aws.clock)
        register(API, self._service.operations)
        managed_policies.install()
        update_policies.install(self._service)

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return resource_types.handlers(self._service)

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"codedeploy": self._resource_of}

    def reset(self) -> None:
        self._service.reset()

    def _resource_of(self, request: dict[str, Any], query: dict[str, Any]) -> str | None:
        """Deployments are authorised as their deployment group."""
        application = request.get("applicationName")
        group = request.get("deploymentGroupName") or request.get("currentDeploymentGroupName")
        if "deploymentId" in request:
            found = self._service.group_of_deployment(str(request["deploymentId"]))
            application, group = (found.application, found.name) if found else (None, None)
        if group:
            return f"deploymentgroup:{application}/{group}"
        if "deploymentConfigName" in request:
            return f"deploymentconfig:{request['deploymentConfigName']}"
        return f"application:{application}" if application else None


EXTENSION = CodeDeployExtension()
