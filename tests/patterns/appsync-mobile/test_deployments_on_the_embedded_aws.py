"""The deployed pattern: its demo, and new versions that the deployment hooks let through or stop."""

import shutil

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern, find
from blueprints.progress import Progress

LIFECYCLE = ("BeforeAllowTraffic", "AfterAllowTraffic")


class Releases:
    """Releases of a copy of the pattern, all to one stack."""

    def __init__(self, cloud, folder):
        self._cloud, self.folder, self._release = cloud, folder, 0

    def deploy(self, **changes):
        """Deploy the copy with files of `src/` changed by functions of their text; the files are put back."""
        sources = {name: self.folder / "src" / f"{name}.py" for name in changes}
        before = {name: path.read_text() for name, path in sources.items()}
        self._release += 1
        try:
            for name, change in changes.items():
                changed = change(before[name])
                assert changed != before[name]
                sources[name].write_text(changed)
            (self.folder / "src" / "release.py").write_text(f"NUMBER = {self._release}\n")
            progress = Progress()
            stack = bring_up(self._cloud, prepare(Pattern.load(self.folder), progress), progress)
            self.outputs = stack.outputs
        finally:
            for name, text in before.items():
                sources[name].write_text(text)

    def live(self):
        """The version that the alias names."""
        function, alias = self.outputs["Function"].rsplit(":", 1)
        return self._cloud.client("lambda").get_alias(FunctionName=function, Name=alias)["FunctionVersion"]

    def lifecycle(self):
        """What became of the hooks of the last deployment that is not a rollback."""
        codedeploy = self._cloud.client("codedeploy")
        (application,) = codedeploy.list_applications()["applications"]
        groups = codedeploy.list_deployment_groups(applicationName=application)["deploymentGroups"]
        (group,) = [each for each in groups if "ResolveFields" in each]
        where = {"applicationName": application, "deploymentGroupName": group}
        deployment = next(
            each
            for each in codedeploy.list_deployments(**where)["deployments"]
            if codedeploy.get_deployment(deploymentId=each)["deploymentInfo"]["creator"] != "codeDeployRollback"
        )
        (target,) = codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        found = codedeploy.get_deployment_target(deploymentId=deployment, targetId=target)
        events = found["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]
        statuses = {each["lifecycleEventName"]: each["status"] for each in events}
        return tuple(statuses[name] for name in LIFECYCLE)

    def records(self):
        """How many items the table has."""
        return self._cloud.client("dynamodb").scan(TableName=self.outputs["TableName"])["Count"]


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    copy = shutil.copytree(find("appsync-mobile").folder, tmp_path_factory.mktemp("copy") / "notes")
    with Cloud(time_scale=20) as cloud:
        releases = Releases(cloud, copy)
        releases.deploy()
        yield releases


def test_a_new_version_goes_live_after_both_hooks_and_leaves_nothing(releases):
    before = releases.live()
    releases.deploy()
    assert releases.lifecycle() == ("Succeeded", "Succeeded")
    assert releases.live() != before
    assert releases.records() == 0


def test_a_version_that_changes_deleted_notes_never_gets_traffic(releases):
    before = releases.live()
    with pytest.raises(BlueprintError):
        releases.deploy(versions=lambda text: text.replace('if stored["_deleted"]:', "if False:"))
    assert releases.lifecycle() == ("Failed", "Skipped")
    assert releases.live() == before
    assert releases.records() == 0


def test_a_version_that_the_api_cannot_use_loses_its_traffic_again(releases):
    """The probe before traffic calls the function alone; only the check afterwards goes through the API."""
    before = releases.live()
    with pytest.raises(BlueprintError):
        releases.deploy(callers=lambda text: text.replace('identity.get("userArn")', 'identity.get("arn")'))
    assert releases.lifecycle() == ("Succeeded", "Failed")
    assert releases.live() == before
    assert releases.records() == 0
