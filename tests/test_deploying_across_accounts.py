"""The pipeline of deploy-across-accounts.yaml deploys a push to dev, to staging, and after an approval to prod."""

import json
import uuid
from pathlib import Path

import pytest

from blueprints.local.cloud import ACCOUNT, REGION, Cloud
from blueprints.local.deployment import deploy
from blueprints.promises.linting import lint_file
from blueprints.template.artifacts import packaged
from blueprints.template.reading import load
from tests.local.building import zipped
from tests.local.waiting import until

COMPANIONS = Path(__file__).parents[1] / "sar" / "auto-publish" / "companions"
STAGES = ("dev", "staging", "prod")
DEPLOY = """
import os
import boto3
name = os.environ["CONFIG_ENV"] + "-SUFFIX"
boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=open("template.json").read())
"""
TEMPLATE = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


class Release:
    """The pipeline, with a role per environment that may deploy only the stack of that environment."""

    def __init__(self, cloud, *, without=()):
        self.cloud, self.suffix = cloud, uuid.uuid4().hex[:8]
        arns = {stage: f"arn:aws:iam::{ACCOUNT}:role/{self.role(stage)}" for stage in STAGES}
        parameters = {f"{stage.title()}RoleArn": arn for stage, arn in arns.items()} | {
            "InstallCommand": "true",
            "DeployCommand": "python deploy.py",
            "Folder": "shop",
        }
        stack = self.deployed("deploy-across-accounts", "pipeline", parameters)
        self.pipeline, self.bucket = stack.outputs["Pipeline"], stack.outputs["ArchiveBucket"]
        for stage in STAGES:
            given = {
                "BuildRoleArn": stack.outputs["BuildRoleArn"],
                "RoleName": self.role(stage),
                "DeploymentPolicyArn": self.policy(stage, allowed=stage not in without),
            }
            assert self.deployed("deployment-role", stage, given).outputs["RoleArn"] == arns[stage]

    def role(self, stage):
        return f"deploy-{stage}-{self.suffix}"

    def deployed(self, companion, name, parameters):
        template = packaged(load(COMPANIONS / f"{companion}.yaml"), {})
        return deploy(self.cloud, f"{companion}-{name}-{self.suffix}", template, parameters)

    def policy(self, stage, *, allowed):
        arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stage}-{self.suffix}/*"
        statement = {
            "Effect": "Allow" if allowed else "Deny",
            "Action": "cloudformation:CreateStack",
            "Resource": arn,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = self.cloud.client("iam").create_policy(PolicyName=f"{stage}-{self.suffix}", PolicyDocument=document)
        return made["Policy"]["Arn"]

    def push(self):
        files = {"shop/deploy.py": DEPLOY.replace("SUFFIX", self.suffix), "shop/template.json": TEMPLATE}
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key="sources.zip", Body=zipped(**files))
        started = self.cloud.client("codepipeline").start_pipeline_execution(name=self.pipeline)
        return started["pipelineExecutionId"]

    def status(self, execution):
        given = {"pipelineName": self.pipeline, "pipelineExecutionId": execution}
        return self.cloud.client("codepipeline").get_pipeline_execution(**given)["pipelineExecution"]["status"]

    def token(self):
        stages = self.cloud.client("codepipeline").get_pipeline_state(name=self.pipeline)["stageStates"]
        (approve,) = [each for each in stages if each["stageName"] == "Approve"]
        return approve["actionStates"][0].get("latestExecution", {}).get("token")

    def standing(self):
        stacks = self.cloud.client("cloudformation").describe_stacks()["Stacks"]
        return {stage for stage in STAGES for each in stacks if each["StackName"] == f"{stage}-{self.suffix}"}


def test_a_push_passes_through_the_accounts_and_waits_before_prod(cloud):
    release = Release(cloud)
    execution = release.push()

    token = until(release.token, seconds=60)
    assert release.standing() == {"dev", "staging"}

    cloud.client("codepipeline").put_approval_result(
        pipelineName=release.pipeline,
        stageName="Approve",
        actionName="Approve",
        result={"summary": "go", "status": "Approved"},
        token=token,
    )
    assert until(lambda: (status := release.status(execution)) != "InProgress" and status, seconds=60) == "Succeeded"
    assert release.standing() == {"dev", "staging", "prod"}


def test_a_failure_in_one_account_stops_the_run(cloud):
    release = Release(cloud, without=("staging",))
    execution = release.push()

    assert until(lambda: (status := release.status(execution)) != "InProgress" and status, seconds=60) == "Failed"
    assert release.standing() == {"dev"}


@pytest.mark.parametrize("companion", sorted(COMPANIONS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_companions_pass_cfn_lint(companion):
    assert lint_file(companion) == []
