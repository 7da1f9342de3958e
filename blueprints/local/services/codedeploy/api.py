"""The API of CodeDeploy, as far as deployments of functions need it; other operations are refused by name."""

import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import Api, ServiceError
from blueprints.local.services.codedeploy.deployments import DeploymentRunner
from blueprints.local.services.codedeploy.lambda_calls import can_assume
from blueprints.local.services.codedeploy.records import (
    LAMBDA,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    LifecycleEvent,
    new_id,
    predefined_configs,
)
from blueprints.local.services.codedeploy.revisions import target_of

API = Api("codedeploy", "InvalidInputException", constrained=True)
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

_MOST_ALARMS = 10

_Result = dict[str, Any]
_Key = tuple[str, ...]


class CodeDeploy:
    """The operations; they keep applications, groups, configurations and deployments of every account and Region."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self.runner = DeploymentRunner(endpoint, clock, self._keep)
        self._starting = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._applications: dict[_Key, _Result] = {}
        self._groups: dict[_Key, DeploymentGroup] = {}
        self._configs: dict[_Key, DeploymentConfig] = {}
        self._deployments: dict[str, Deployment] = {}

    @property
    def operations(self) -> Mapping[str, Callable[[_Result], _Result]]:
        """By name; each takes the parameters and returns the result."""
        return {
            "CreateApplication": self._create_application,
            "GetApplication": lambda given: {"application": self._application(given)},
            "ListApplications": lambda _: {"applications": sorted(key[2] for key in self._mine(self._applications))},
            "DeleteApplication": self._delete_application,
            "CreateDeploymentGroup": self._create_group,
            "UpdateDeploymentGroup": self._update_group,
            "GetDeploymentGroup": lambda given: {"deploymentGroupInfo": _described_group(self.group(given))},
            "ListDeploymentGroups": self._list_groups,
            "DeleteDeploymentGroup": self._delete_group,
            "CreateDeploymentConfig": self._create_config,
            "GetDeploymentConfig": lambda given: {
                "deploymentConfigInfo": self._config(given["deploymentConfigName"]).described
            },
            "ListDeploymentConfigs": lambda _: {
                "deploymentConfigsList": [*predefined_configs(), *(key[2] for key in self._mine(self._configs))]
            },
            "DeleteDeploymentConfig": self._delete_config,
            "CreateDeployment": lambda given: {"deploymentId": self.deploy(given).deployment_id},
            "GetDeployment": lambda given: {"deploymentInfo": _described(self._deployment(given))},
            "BatchGetDeployments": self._batch_get_deployments,
            "ListDeployments": self._list_deployments,
            "ListDeploymentTargets": lambda given: {"targetIds": [_target_id(self._deployment(given))]},
            "GetDeploymentTarget": lambda given: {"deploymentTarget": self._described_target_of(given)},
            "BatchGetDeploymentTargets": lambda given: {
                "deploymentTargets": [
                    self._described_target_of({**given, "targetId": each}) for each in given.get("targetIds") or ()
                ]
            },
            "StopDeployment": self._stop,
            "ContinueDeployment": self._continue,
            "PutLifecycleEventHookExecutionStatus": self._put_status,
        }

    # --- applications ---

    def _create_application(self, given: _Result) -> _Result:
        if given.get("computePlatform", "Server") != LAMBDA:
            raise ServiceError("InvalidComputePlatformException", "Only the compute platform Lambda is emulated")
        key = _key(given["applicationName"])
        if key in self._applications:
            raise ServiceError("ApplicationAlreadyExistsException", f"Application already exists: {key[2]}")
        made = {
            "applicationId": str(uuid.uuid4()),
            "applicationName": key[2],
            "createTime": time.time(),
            "linkedToGitHub": False,
            "computePlatform": LAMBDA,
        }
        self._applications[key] = made
        return {"applicationId": made["applicationId"]}

    def _application(self, given: _Result) -> _Result:
        name = given["applicationName"]
        found = self._applications.get(_key(name))
        if found is None:
            raise ServiceError("ApplicationDoesNotExistException", f"No application found for name: {name}")
        return found

    def _delete_application(self, given: _Result) -> _Result:
        key = _key(given["applicationName"])
        self._applications.pop(key, None)
        self._groups = {each: group for each, group in self._groups.items() if each[:3] != key}
        return {}

    # --- deployment groups ---

    def _create_group(self, given: _Result) -> _Result:
        self._application(given)
        key = _key(given["applicationName"], given["deploymentGroupName"])
        if key in self._groups:
            raise ServiceError("DeploymentGroupAlreadyExistsException", f"Deployment group already exists: {key[3]}")
        self._check_settings(given)
        self._groups[key] = DeploymentGroup(key[2], key[3], str(uuid.uuid4()), dict(given))
        return {"deploymentGroupId": self._groups[key].group_id}

    def _update_group(self, given: _Result) -> _Result:
        group = self.group({**given, "deploymentGroupName": given["currentDeploymentGroupName"]})
        self._check_settings(given)
        renamed = given.get("newDeploymentGroupName")
        if renamed and renamed != group.name and _key(group.application, renamed) in self._groups:
            raise ServiceError("DeploymentGroupAlreadyExistsException", f"Deployment group already exists: {renamed}")
        known = ("applicationName", "currentDeploymentGroupName", "newDeploymentGroupName")
        group.settings.update({name: value for name, value in given.items() if name not in known})
        if renamed:
            del self._groups[_key(group.application, group.name)]
            group.name = renamed
            self._groups[_key(group.application, renamed)] = group
        return {"hooksNotCleanedUp": []}

    def _check_settings(self, given: _Result) -> None:
        if "deploymentConfigName" in given:
            self._config(given["deploymentConfigName"])
        style = given.get("deploymentStyle") or {}
        if style and (style.get("deploymentType"), style.get("deploymentOption")) != (
            "BLUE_GREEN",
            "WITH_TRAFFIC_CONTROL",
        ):
            raise ServiceError(
                "InvalidDeploymentStyleException",
                "Deployments of functions must be of type BLUE_GREEN, with the option WITH_TRAFFIC_CONTROL",
            )
        if "serviceRoleArn" in given and not can_assume(given["serviceRoleArn"]):
            raise ServiceError("InvalidRoleException", "Cannot assume role provided.")
        alarms = [each.get("name") for each in (given.get("alarmConfiguration") or {}).get("alarms") or ()]
        if len(alarms) > _MOST_ALARMS:
            raise ServiceError("AlarmsLimitExceededException", f"A deployment group has at most {_MOST_ALARMS} alarms")
        if len(set(alarms)) < len(alarms):
            raise ServiceError("InvalidAlarmConfigException", "A deployment group names each alarm once")

    def group(self, given: _Result) -> DeploymentGroup:
        """The group that parameters name by `applicationName` and `deploymentGroupName`. Raises ServiceError."""
        self._application(given)
        name = given["deploymentGroupName"]
        found = self._groups.get(_key(given["applicationName"], name))
        if found is None:
            raise ServiceError("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}")
        return found

    def _list_groups(self, given: _Result) -> _Result:
        self._application(given)
        name = given["applicationName"]
        return {
            "applicationName": name,
            "deploymentGroups": sorted(key[3] for key in self._groups if key[:3] == _key(name)),
        }

    def _delete_group(self, given: _Result) -> _Result:
        self._groups.pop(_key(given["applicationName"], given["deploymentGroupName"]), None)
        return {"hooksNotCleanedUp": []}

    # --- configurations ---

    def _create_config(self, given: _Result) -> _Result:
        key = _key(given["deploymentConfigName"])
        if key in self._configs or key[2].startswith("CodeDeployDefault."):
            raise ServiceError("DeploymentConfigAlreadyExistsException", f"The configuration exists already: {key[2]}")
        if given.get("computePlatform", "Server") != LAMBDA:
            raise ServiceError("InvalidComputePlatformException", "Only the compute platform Lambda is emulated")
        routing = given.get("trafficRoutingConfig") or {"type": "AllAtOnce"}
        canary, linear = routing.get("timeBasedCanary") or {}, routing.get("timeBasedLinear") or {}
        percentage = canary.get("canaryPercentage") or linear.get("linearPercentage") or 100
        minutes = canary.get("canaryInterval") or linear.get("linearInterval") or 0
        if routing["type"] != "AllAtOnce" and not (0 < percentage < 100 and minutes > 0):
            raise ServiceError(
                "InvalidTrafficRoutingConfigurationException",
                "The percentage must be from 1 to 99, the interval positive",
            )
        self._configs[key] = DeploymentConfig(key[2], routing["type"], percentage, minutes, time.time())
        return {"deploymentConfigId": str(uuid.uuid4())}

    def _config(self, name: str) -> DeploymentConfig:
        found = predefined_configs().get(name) or self._configs.get(_key(name))
        if found is None:
            raise ServiceError(
                "DeploymentConfigDoesNotExistException", f"No Deployment Configuration found for name: {name}"
            )
        return found

    def _delete_config(self, given: _Result) -> _Result:
        key = _key(given["deploymentConfigName"])
        if any(group.settings.get("deploymentConfigName") == key[2] for group in self._mine(self._groups).values()):
            raise ServiceError("DeploymentConfigInUseException", f"A deployment group uses {key[2]}")
        self._configs.pop(key, None)
        return {}

    # --- deployments ---

    def deploy(self, given: _Result, creator: str = "user") -> Deployment:
        """Start a deployment by the parameters of CreateDeployment. Raises ServiceError."""
        group = self.group(given)
        revision = given.get("revision")
        if not revision:
            raise ServiceError("RevisionRequiredException", "The revision is missing")
        name = given.get("deploymentConfigName") or group.settings.get("deploymentConfigName")
        deployment = Deployment(
            new_id(),
            (ACCOUNT.current()(), REGION.current()()),
            group,
            self._config(name or "CodeDeployDefault.LambdaAllAtOnce"),
            target_of(revision),
            revision,
            creator=creator,
            description=given.get("description", ""),
        )
        with self._starting:  # updates of stacks run on threads of their own
            running = group.last_attempted
            if running is not None and not running.has_ended:
                raise ServiceError(
                    "DeploymentLimitExceededException",
                    f"The Deployment Group '{group.name}' already has an active Deployment '{running.deployment_id}'",
                )
            self._keep(deployment)
        self.runner.start(deployment)
        return deployment

    def _keep(self, deployment: Deployment) -> None:
        deployment.group.last_attempted = self._deployments[deployment.deployment_id] = deployment

    def _deployment(self, given: _Result) -> Deployment:
        found = self._deployments.get(given.get("deploymentId", ""))
        if found is None or found.arn_scope != (ACCOUNT.current()(), REGION.current()()):
            raise ServiceError(
                "DeploymentDoesNotExistException",
                f"The deployment {given.get('deploymentId')} could not be found",
            )
        return found

    def group_of_deployment(self, deployment_id: str) -> DeploymentGroup | None:
        """The group of a deployment, or None; for permissions, which are given on groups."""
        found = self._deployments.get(deployment_id)
        return found.group if found else None

    def _batch_get_deployments(self, given: _Result) -> _Result:
        return {
            "deploymentsInfo": [_described(self._deployment({"deploymentId": each})) for each in given["deploymentIds"]]
        }

    def _list_deployments(self, given: _Result) -> _Result:
        if given.get("deploymentGroupName"):
            self.group(given)
        elif given.get("applicationName"):
            self._application(given)
        scope = (ACCOUNT.current()(), REGION.current()())
        wanted, times = given.get("includeOnlyStatuses"), given.get("createTimeRange") or {}
        found = [
            each
            for each in self._deployments.values()
            if each.arn_scope == scope
            and given.get("applicationName") in (None, each.group.application)
            and given.get("deploymentGroupName") in (None, each.group.name)
            and (not wanted or each.status in wanted)
            and _seconds(times.get("start"), 0) <= each.created <= _seconds(times.get("end"), math.inf)
        ]
        return {"deployments": [each.deployment_id for each in sorted(found, key=lambda each: -each.created)]}

    def _described_target_of(self, given: _Result) -> _Result:
        deployment = self._deployment(given)
        if given.get("targetId") != _target_id(deployment):
            raise ServiceError(
                "DeploymentTargetDoesNotExistException",
                f"The deployment {deployment.deployment_id} has no target {given.get('targetId')}",
            )
        return _described_target(deployment)

    def _stop(self, given: _Result) -> _Result:
        deployment = self._deployment(given)
        if deployment.has_ended:
            raise ServiceError(
                "DeploymentAlreadyCompletedException", f"The deployment {deployment.deployment_id} has ended"
            )
        deployment.request_stop(rolls_back=given.get("autoRollbackEnabled"))
        return {"status": "Pending", "statusMessage": "The deployment is being stopped"}

    def _continue(self, given: _Result) -> _Result:
        """Deployments of functions never wait to be continued, so there is none in the state Ready."""
        deployment = self._deployment(given)
        if deployment.has_ended:
            code, what = "DeploymentAlreadyCompletedException", "has ended"
        else:
            code, what = "DeploymentIsNotInReadyStateException", "is not in the state Ready"
        raise ServiceError(code, f"The deployment {deployment.deployment_id} {what}")

    def _put_status(self, given: _Result) -> _Result:
        deployment = self._deployment(given)
        execution = given.get("lifecycleEventHookExecutionId")
        event = next((each for each in deployment.events if execution and each.execution_id == execution), None)
        if event is None:
            raise ServiceError(
                "InvalidLifecycleEventHookExecutionIdException",
                f"The deployment {deployment.deployment_id} has no execution {execution} of a hook",
            )
        status = given.get("status")
        if status not in ("Succeeded", "Failed"):
            raise ServiceError(
                "InvalidLifecycleEventHookExecutionStatusException", f"A hook reports Succeeded or Failed, not {status}"
            )
        if not deployment.end_event(event, status):
            raise ServiceError(
                "LifecycleEventAlreadyCompletedException", f"The event {event.name} has ended as {event.status}"
            )
        return {"lifecycleEventHookExecutionId": execution}

    @staticmethod
    def _mine(records: Mapping[_Key, Any]) -> dict[_Key, Any]:
        scope = (ACCOUNT.current()(), REGION.current()())
        return {key: each for key, each in records.items() if key[:2] == scope}


def _seconds(moment: datetime | float | None, default: float) -> float:
    """A moment of a request in seconds since 1970."""
    if moment is None:
        return default
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _key(*names: str) -> _Key:
    return (ACCOUNT.current()(), REGION.current()(), *names)


def _described_group(group: DeploymentGroup) -> _Result:
    named = (("lastAttemptedDeployment", group.last_attempted), ("lastSuccessfulDeployment", group.last_succeeded))
    return {
        **group.settings,
        "deploymentGroupName": group.name,
        "deploymentGroupId": group.group_id,
        "computePlatform": LAMBDA,
        **{
            name: {"deploymentId": each.deployment_id, "status": each.status, "createTime": each.created}
            for name, each in named
            if each is not None
        },
    }


def _described(deployment: Deployment) -> _Result:
    error = deployment.error
    return {
        "applicationName": deployment.group.application,
        "deploymentGroupName": deployment.group.name,
        "deploymentConfigName": deployment.config.name,
        "deploymentId": deployment.deployment_id,
        "revision": deployment.revision,
        "status": deployment.status,
        "errorInformation": {"code": error[0], "message": error[1]} if error else None,
        "createTime": deployment.created,
        "startTime": deployment.created,
        "completeTime": deployment.completed,
        "description": deployment.description,
        "creator": deployment.creator,
        "rollbackInfo": deployment.rollback or None,
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "computePlatform": LAMBDA,
    }


def _target_id(deployment: Deployment) -> str:
    return f"{deployment.target.function}:{deployment.target.alias}"


def _described_target(deployment: Deployment) -> _Result:
    account, region = deployment.arn_scope
    target = deployment.target
    status = {"Created": "Pending", "Stopped": "Failed"}.get(deployment.status, deployment.status)
    info = {
        "deploymentId": deployment.deployment_id,
        "targetId": _target_id(deployment),
        "targetArn": f"arn:aws:lambda:{region}:{account}:function:{target.function}:{target.alias}",
        "status": status,
        "lifecycleEvents": [_described_event(each) for each in deployment.events],
        "lambdaFunctionInfo": {
            "functionName": target.function,
            "functionAlias": target.alias,
            "currentVersion": target.current_version,
            "targetVersion": target.target_version,
            "targetVersionWeight": deployment.weight / 100,
        },
    }
    return {"deploymentTargetType": "LambdaTarget", "lambdaTarget": info}


def _described_event(event: LifecycleEvent) -> _Result:
    return {
        "lifecycleEventName": event.name,
        "status": event.status,
        "startTime": event.started,
        "endTime": event.ended,
        "diagnostics": {"errorCode": "ScriptFailed", "message": event.message} if event.message else None,
    }
