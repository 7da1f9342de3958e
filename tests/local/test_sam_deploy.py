"""`sam deploy` of a changed copy goes through CodeDeploy: the hooks run, traffic shifts, `live` serves the change."""

import threading
import time
import uuid

import pytest

from blueprints.copying import copy
from blueprints.packaging.host import host_packages
from blueprints.pattern import Pattern, find
from tests.local.sam_command_line import sam_command_line

PREFERENCE = "Linear10PercentEvery10Minutes"
HANDLER = "Handler: store_batch.handler"


class Stack:
    """A stack that `sam deploy` makes of a copy of kinesis-s3-stream."""

    def __init__(self, cloud, sam, folder):
        self.cloud, self.name = cloud, f"events-{uuid.uuid4().hex[:8]}"
        self._sam, self._folder = sam, folder
        self._bucket = f"packages-{uuid.uuid4().hex[:12]}"
        cloud.client("s3").create_bucket(Bucket=self._bucket)

    def deploy(self, **parameters):
        """Run `sam deploy`; returns its exit status and output."""
        given = {"DeploymentPreference": PREFERENCE, **parameters}
        overrides = [f"{name}={value}" for name, value in given.items()]
        options = ["--stack-name", self.name, "--s3-bucket", self._bucket, "--capabilities", "CAPABILITY_IAM"]
        return self._sam(
            self._folder,
            ["deploy", "--template-file", "template.yaml", *options, "--parameter-overrides", *overrides],
        )

    def change(self, old, new):
        """Change the copy's template."""
        template = self._folder / "template.yaml"
        text = template.read_text()
        assert text.count(old) == 1
        template.write_text(text.replace(old, new))

    @property
    def function(self):
        """The name of the function behind the stream."""
        resource = self.cloud.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId="StoreBatch"
        )
        return resource["StackResourceDetail"]["PhysicalResourceId"]

    def live(self):
        """The version behind the alias, and the weights of others."""
        alias = self.cloud.client("lambda").get_alias(FunctionName=self.function, Name="live")
        return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    def setting(self, version):
        """What a version does with records that have a name twice."""
        config = self.cloud.client("lambda").get_function_configuration(FunctionName=self.function, Qualifier=version)
        return config["Environment"]["Variables"]["REFUSE_DUPLICATE_NAMES"]

    def deployments(self):
        """The status of each deployment and of its lifecycle events, the newest first."""
        client = self.cloud.client("codedeploy")
        mine = [each for each in client.list_applications()["applications"] if each.startswith(self.name)]
        (group,) = client.list_deployment_groups(applicationName=mine[0])["deploymentGroups"]
        ids = client.list_deployments(applicationName=mine[0], deploymentGroupName=group)["deployments"]
        return [self._described(client, each) for each in ids]

    def seconds_of_shifting(self):
        """The real seconds in which the newest deployment shifted traffic."""
        client = self.cloud.client("codedeploy")
        (application,) = (each for each in client.list_applications()["applications"] if each.startswith(self.name))
        (group,) = client.list_deployment_groups(applicationName=application)["deploymentGroups"]
        newest, *_ = client.list_deployments(applicationName=application, deploymentGroupName=group)["deployments"]
        (target,) = client.list_deployment_targets(deploymentId=newest)["targetIds"]
        found = client.get_deployment_target(deploymentId=newest, targetId=target)["deploymentTarget"]
        (event,) = (
            each for each in found["lambdaTarget"]["lifecycleEvents"] if each["lifecycleEventName"] == "AllowTraffic"
        )
        return (event["endTime"] - event["startTime"]).total_seconds()

    def _described(self, client, deployment_id):
        (target,) = client.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        found = client.get_deployment_target(deploymentId=deployment_id, targetId=target)
        events = found["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]
        status = client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]["status"]
        return status, {each["lifecycleEventName"]: each["status"] for each in events}


@pytest.fixture(scope="module")
def stack(cloud, tmp_path_factory):
    """The copy, deployed; its functions are packaged as `sam build` does it, for this machine."""
    folder = tmp_path_factory.mktemp("mine") / "events"
    copy(find("kinesis-s3-stream"), folder)
    packages, _ = host_packages(Pattern.load(folder), lambda _: None)
    with sam_command_line(cloud, tmp_path_factory.mktemp("home")) as sam:
        stack = Stack(cloud, sam, folder)
        stack.change("CodeUri: src/", f"CodeUri: {packages[0].path}")
        status, output = stack.deploy()
        assert status == 0, output
        yield stack


def watched(stack, deploy):
    """The weights that `live` gave to new versions while a deployment ran, each once, and what `deploy` returned."""
    seen, ended = [], threading.Event()

    def watch():
        while not ended.is_set():
            for weight in stack.live()[1].values():
                if weight not in seen:
                    seen.append(weight)
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return deploy(), seen
    finally:
        ended.set()
        watcher.join()


def test_a_parameter_changed_alone_reaches_live(stack):
    (before, _) = stack.live()

    (status, output), weights = watched(stack, lambda: stack.deploy(RefuseDuplicateNames="true"))

    assert status == 0, output
    after, left = stack.live()
    assert (stack.setting(before), stack.setting("live"), left) == ("false", "true", {})
    assert after != before
    events = dict.fromkeys(("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"), "Succeeded")
    assert stack.deployments() == [("Succeeded", events)]
    assert stack.seconds_of_shifting() > 1.5  # nine steps of ten minutes, at 3,000 times the speed
    assert weights == sorted(weights)  # on a busy machine, steps are over before they are seen
    assert set(weights) <= {step / 10 for step in range(1, 10)}


def test_a_handler_that_cannot_be_imported_does_not_reach_live(stack):
    before = stack.live()
    stack.change(HANDLER, "Handler: nowhere.handler")
    try:
        status, output = stack.deploy(RefuseDuplicateNames="true")
    finally:
        stack.change("Handler: nowhere.handler", HANDLER)

    assert status != 0
    assert "UPDATE_ROLLBACK_COMPLETE" in output
    assert stack.live() == before
    failed, events = stack.deployments()[0]
    assert (failed, events["BeforeAllowTraffic"], events["AllowTraffic"]) == ("Failed", "Failed", "Skipped")
