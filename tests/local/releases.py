"""Releases of one function, deployed one after the other in one stack, through CodeDeploy."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.deployment import deploy
from tests.local.resources import function_resource, role_with
from tests.local.waiting import until

ANSWERING = """
    def handler(event, context):
        return {{"release": {release}, "arn": context.invoked_function_arn, "version": context.function_version}}
"""
REPORTING = """
    import boto3

    def handler(event, context):
        print("hook", event["DeploymentId"])
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status="{status}",
        )
"""
SILENT = """
    def handler(event, context):
        print("hook", event["DeploymentId"])
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codedeploy.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
LONG_CANARY = {
    "Type": "AWS::CodeDeploy::DeploymentConfig",
    "Properties": {
        "ComputePlatform": "Lambda",
        "TrafficRoutingConfig": {
            "Type": "TimeBasedCanary",
            "TimeBasedCanary": {"CanaryPercentage": 10, "CanaryInterval": 2000},
        },
    },
}
"""A canary that lasts as long as a test needs to look at it."""
CANARY = {"config": {"Ref": "LongCanary"}, "LongCanary": LONG_CANARY}
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"


class Releases:
    """One stack: a function with an alias, a deployment group, and the hooks that a release has."""

    def __init__(self, cloud, name):
        self.cloud, self.name = cloud, name
        self.function = None

    def deploy(self, release, **settings):
        """Deploy a release; raises BlueprintError with CloudFormation's reasons."""
        stack = deploy(self.cloud, self.name, self.template(release, **settings))
        self.function = stack.outputs["Function"]
        self.outputs = stack.outputs
        return stack

    def template(
        self, release, source=ANSWERING, config="LambdaAllAtOnce", before=None, after=None, alarms=(), **changes
    ):
        """The template of a release."""
        version = f"Version{release}"
        policy = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": "Group"}}
        resources = {
            "Role": role_with("codedeploy:PutLifecycleEventHookExecutionStatus"),
            "Function": function_resource(source.format(release=release)),
            version: {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": "Function"}},
            },
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "Name": "live",
                    "FunctionName": {"Ref": "Function"},
                    "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                },
                "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": policy},
            },
            "Application": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}},
            "DeployRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [MANAGED]},
            },
            "Group": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": group(config, alarms)},
        }
        for event, hook in (("BeforeAllowTrafficHook", before), ("AfterAllowTrafficHook", after)):
            if hook:
                name = f"CodeDeployHook_{self.name}_{event[:6]}"
                resources[event] = function_resource(hook, FunctionName=name)
                policy[event] = {"Ref": event}
        for alarm in alarms:
            resources[alarm] = {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm_on(f"{self.name}-{alarm}")}
        resources |= changes
        outputs = {each: {"Value": {"Ref": each}} for each in ("Function", "Alias", "Application", "Group")}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    def answer(self):
        """What the alias answers."""
        response = self.cloud.client("lambda").invoke(FunctionName=self.function, Qualifier="live")
        return json.loads(response["Payload"].read()), response["ExecutedVersion"]

    def alias(self):
        """The version that the alias names, and its weights."""
        found = self.cloud.client("lambda").get_alias(FunctionName=self.function, Name="live")
        return found["FunctionVersion"], found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    def deployments(self):
        """Every deployment of the stack's updates, the newest first."""
        return [each for each in self._all_deployments() if each["creator"] == "CloudFormation"]

    def rollbacks(self):
        """Every deployment that CodeDeploy made to roll another one back, the newest first."""
        return [each for each in self._all_deployments() if each["creator"] == "codeDeployRollback"]

    def _all_deployments(self):
        client = self.cloud.client("codedeploy")
        where = {"applicationName": self.outputs["Application"], "deploymentGroupName": self.outputs["Group"]}
        ids = client.list_deployments(**where)["deployments"]
        return [client.get_deployment(deploymentId=each)["deploymentInfo"] for each in ids]

    def events(self, deployment_id):
        """The status of each lifecycle event."""
        client = self.cloud.client("codedeploy")
        (target,) = client.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        found = client.get_deployment_target(deploymentId=deployment_id, targetId=target)
        return {
            each["lifecycleEventName"]: each["status"]
            for each in found["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]
        }

    def status(self):
        """The stack's status."""
        (stack,) = self.cloud.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return stack["StackStatus"]

    def refused(self, release, **settings):
        """Deploy a release that must fail; returns the reasons."""
        with pytest.raises(BlueprintError) as failure:
            self.deploy(release, **settings)
        return str(failure.value)

    @contextmanager
    def failing(self, release, **settings):
        """Deploy a release that must fail while the block runs; gives a list that has the reasons afterwards."""
        said = []
        with ThreadPoolExecutor(1) as pool:
            update = pool.submit(self.refused, release, **settings)
            yield said
            said.append(update.result(60))

    def until_canary(self):
        """Wait until version 2 has a tenth of the traffic."""
        until(lambda: self.alias() == ("1", {"2": 0.1}))


def nesting(releases):
    """A function that deploys a stack which nests the stack of a release, as `Releases.deploy` does without nesting."""
    bucket = f"templates-{uuid.uuid4().hex[:12]}"
    cloud, s3 = releases.cloud, releases.cloud.client("s3")
    s3.create_bucket(Bucket=bucket)

    def make(release, **settings):
        s3.put_object(Bucket=bucket, Key=f"{release}.json", Body=releases.template(release, **settings))
        child = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": f"{cloud.endpoint}/{bucket}/{release}.json"},
        }
        outputs = {
            name: {"Value": {"Fn::GetAtt": ["Child", f"Outputs.{name}"]}}
            for name in ("Function", "Application", "Group")
        }
        stack = deploy(cloud, releases.name, json.dumps({"Resources": {"Child": child}, "Outputs": outputs}))
        releases.function, releases.outputs = stack.outputs["Function"], stack.outputs

    return make


def group(config, alarms):
    return {
        "ApplicationName": {"Ref": "Application"},
        "ServiceRoleArn": {"Fn::GetAtt": ["DeployRole", "Arn"]},
        "DeploymentConfigName": config if isinstance(config, dict) else f"CodeDeployDefault.{config}",
        "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
        "AutoRollbackConfiguration": {
            "Enabled": True,
            "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
        },
        "AlarmConfiguration": {"Enabled": bool(alarms), "Alarms": [{"Name": {"Ref": each}} for each in alarms]},
    }


def alarm_on(name):
    return {
        "AlarmName": name,
        "Namespace": "Releases",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
