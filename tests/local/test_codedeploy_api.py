"""The API of CodeDeploy: what it refuses, and what it lists."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.local.releases import CANARY, Releases
from tests.local.waiting import until


@pytest.fixture(scope="module")
def releases(cloud):
    """A function with the versions 1 and 2, whose alias `live` has version 2, and its deployment group."""
    releases = Releases(cloud, f"release-{uuid.uuid4().hex[:12]}")
    releases.deploy(1, **CANARY)
    releases.deploy(2, **{**CANARY, "config": "LambdaAllAtOnce"})
    releases.deploy(2, **CANARY)
    return releases


@pytest.fixture
def client(releases):
    return releases.cloud.client("codedeploy")


@pytest.fixture
def where(releases):
    return {"applicationName": releases.outputs["Application"], "deploymentGroupName": releases.outputs["Group"]}


def refusal(call, **given):
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**given)
    return refused.value.response["Error"]["Code"]


def revision(releases, current, target, **hooks):
    """An AppSpec file that moves the alias from one version to another."""
    properties = {
        "Name": releases.function,
        "Alias": "live",
        "CurrentVersion": current,
        "TargetVersion": target,
    }
    content = {
        "version": 0.0,
        "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [{name: hook} for name, hook in hooks.items()],
    }
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}


def ended(client, deployment_id):
    def look():
        info = client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        return info["status"] in ("Succeeded", "Failed", "Stopped") and info

    return until(look)


def test_of_deployments_started_at_the_same_time_one_runs(releases, client, where):
    given = {**where, "revision": revision(releases, "2", "1")}

    def start(_):
        try:
            return client.create_deployment(**given)["deploymentId"]
        except client.exceptions.DeploymentLimitExceededException:
            return None

    with ThreadPoolExecutor(4) as pool:
        started = [each for each in pool.map(start, range(4)) if each]

    assert len(started) == 1
    until(lambda: releases.alias() == ("2", {"1": 0.1}))
    client.stop_deployment(deploymentId=started[0])
    assert ended(client, started[0])["status"] == "Stopped"
    assert releases.alias() == ("2", {})


@pytest.mark.parametrize(
    ("current", "target", "code"),
    [("1", "2", None), ("7", "1", "INVALID_LAMBDA_CONFIGURATION"), ("2", "7", "INVALID_LAMBDA_FUNCTION")],
    ids=["already there", "from a version it does not have", "to a version that does not exist"],
)
def test_a_deployment_starts_from_the_version_that_the_alias_has(releases, client, where, current, target, code):
    made = client.create_deployment(**where, revision=revision(releases, current, target))["deploymentId"]

    info = ended(client, made)

    assert (info.get("errorInformation") or {}).get("code") == code
    assert info["status"] == ("Failed" if code else "Succeeded")
    assert releases.alias() == ("2", {})


def test_lists_are_filtered(client, where):
    everything = client.list_deployments(**where)["deployments"]
    assert everything
    now = datetime.fromtimestamp(time.time() + 60, UTC)

    assert client.list_deployments(**where, createTimeRange={"start": now})["deployments"] == []
    assert client.list_deployments(**where, createTimeRange={"end": now})["deployments"] == everything
    assert client.list_deployments(**where, includeOnlyStatuses=["Queued"])["deployments"] == []
    assert refusal(client.list_deployments, applicationName="missing") == "ApplicationDoesNotExistException"
    group = {**where, "deploymentGroupName": "missing"}
    assert refusal(client.list_deployments, **group) == "DeploymentGroupDoesNotExistException"


def test_targets_are_found_by_their_id(client, where):
    made = client.list_deployments(**where)["deployments"][0]
    (target,) = client.list_deployment_targets(deploymentId=made)["targetIds"]

    found = client.batch_get_deployment_targets(deploymentId=made, targetIds=[target])["deploymentTargets"]
    assert [each["lambdaTarget"]["targetId"] for each in found] == [target]
    asked = {"deploymentId": made, "targetId": "another"}
    assert refusal(client.get_deployment_target, **asked) == "DeploymentTargetDoesNotExistException"


def test_groups_need_a_role_that_codedeploy_can_assume_and_alarms_that_differ(client, where):
    group = client.get_deployment_group(**where)["deploymentGroupInfo"]
    made = {"applicationName": where["applicationName"], "deploymentGroupName": "other"}
    good = {**made, "serviceRoleArn": group["serviceRoleArn"]}

    def alarms(*names):
        return {"alarmConfiguration": {"enabled": True, "alarms": [{"name": each} for each in names]}}

    for change, code in (
        ({"serviceRoleArn": "arn:aws:iam::000000000000:role/missing"}, "InvalidRoleException"),
        (alarms("a", "a"), "InvalidAlarmConfigException"),
        (alarms(*"abcdefghijk"), "AlarmsLimitExceededException"),
        ({"deploymentConfigName": "missing"}, "DeploymentConfigDoesNotExistException"),
        ({"deploymentGroupName": where["deploymentGroupName"]}, "DeploymentGroupAlreadyExistsException"),
    ):
        assert refusal(client.create_deployment_group, **{**good, **change}) == code
    client.create_deployment_group(**good)
    rename = {
        "applicationName": where["applicationName"],
        "currentDeploymentGroupName": "other",
        "newDeploymentGroupName": where["deploymentGroupName"],
    }
    assert refusal(client.update_deployment_group, **rename) == "DeploymentGroupAlreadyExistsException"
    client.delete_deployment_group(**made)
