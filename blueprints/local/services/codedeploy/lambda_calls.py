"""What CodeDeploy does with functions, in the role of a deployment group."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.base.clients import Caller
from blueprints.local.services.cloudwatch import rang_since
from blueprints.local.services.codedeploy.records import DeploymentGroup, Target
from blueprints.local.services.iam import RoleNotAssumed, assume_role

_LONGEST_HOOK_SECONDS = 900
_SERVICE, _SESSION = "codedeploy.amazonaws.com", "codedeploy"


class DeploymentFailed(Exception):
    """A deployment cannot go on; `code` is one of CodeDeploy's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def can_assume(role_arn: str) -> bool:
    """Whether a role exists and trusts CodeDeploy."""
    if not role_arn.startswith("arn:"):
        return False
    try:
        assume_role(role_arn, _SERVICE, _SESSION, "", "")
    except RoleNotAssumed:
        return False
    return True


class LambdaCalls:
    """Calls of one deployment. Raises DeploymentFailed when the role does not allow one, or Lambda refuses it."""

    def __init__(self, role_arn: str, region: str, endpoint: str) -> None:
        try:
            self._caller: Caller = assume_role(role_arn, _SERVICE, _SESSION, region, endpoint)
        except RoleNotAssumed as error:
            raise DeploymentFailed("IAM_ROLE_MISSING", str(error)) from None
        self._may_describe = False

    def shift(self, target: Target, percentage: int) -> None:
        """Give the new version a percentage of the alias's traffic."""
        parameters: dict[str, Any] = {"FunctionVersion": target.current_version}
        if percentage >= 100:
            parameters = {"FunctionVersion": target.target_version}
        weights = {target.target_version: percentage / 100} if 0 < percentage < 100 else {}
        parameters["RoutingConfig"] = {"AdditionalVersionWeights": weights}
        self._do("lambda", "update_alias", FunctionName=target.function, Name=target.alias, **parameters)

    def check(self, target: Target) -> bool:
        """Whether the new version has all of the traffic already.

        Raises DeploymentFailed if the alias has neither the old nor the new version.
        """
        alias = self._do("lambda", "get_alias", FunctionName=target.function, Name=target.alias)
        version, weights = alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")
        if version == target.target_version and not weights:
            return True
        if version != target.current_version:
            raise DeploymentFailed(
                "INVALID_LAMBDA_CONFIGURATION",
                f"The alias {target.alias} of {target.function} points to version {version}, and the "
                f"deployment starts from version {target.current_version}",
            )
        return False

    def run_hook(self, function: str, deployment_id: str, execution_id: str) -> None:
        """Invoke a hook and return when its function has ended; the hook reports its result by a request of its own."""
        payload = {"DeploymentId": deployment_id, "LifecycleEventHookExecutionId": execution_id}
        self._do("lambda", "invoke", FunctionName=function, Payload=json.dumps(payload).encode())

    def ringing(self, group: DeploymentGroup, begun: float) -> tuple[str, ...]:
        """The alarms of a deployment group that ring, or rang since a moment of `time.monotonic()`."""
        alarms = group.alarms()
        if not alarms:
            return ()
        if not self._may_describe:
            # Asked once, for the role's permission: the answer does not show what rang between two checks.
            try:
                self._do("cloudwatch", "describe_alarms", AlarmNames=list(alarms))
            except DeploymentFailed:
                if group.ignores_unreadable_alarms:
                    return ()
                raise
            self._may_describe = True
        return rang_since(alarms, begun)

    def _do(self, service: str, operation: str, **parameters: Any) -> Any:
        client = self._caller.client(service, attempts=1, seconds=_LONGEST_HOOK_SECONDS + 30)
        try:
            return getattr(client, operation)(**parameters)
        except ClientError as error:
            code = str(error.response["Error"].get("Code"))
            kind = "IAM_ROLE_PERMISSIONS" if "AccessDenied" in code else "INVALID_LAMBDA_FUNCTION"
            raise DeploymentFailed(kind, str(error.response["Error"].get("Message") or error)) from None
        except BotoCoreError as error:
            raise DeploymentFailed("INTERNAL_ERROR", str(error)) from None
