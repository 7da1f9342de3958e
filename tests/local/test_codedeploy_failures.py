"""What gradual deployments withstand: hooks and alarms at the wrong moment, several updates, stops and rollbacks."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local.releases import CANARY, REPORTING, SILENT, TRUST, Releases, alarm_on, group, nesting
from tests.local.resources import function_resource, role_with
from tests.local.waiting import printed, until

NO_ROLLBACK = {"AutoRollbackConfiguration": {"Enabled": False}}
CALLING = """
    import boto3
    from botocore.exceptions import ClientError

    def handler(event, context):
        deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
        for deployment_id, status in ({calls}):
            try:
                boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
                    deploymentId=deployment_id, lifecycleEventHookExecutionId=execution, status=status
                )
                print("said", status)
            except ClientError as error:
                print("said", error.response["Error"]["Code"])
"""


@pytest.fixture
def releases(cloud):
    """Deploys release after release of one function in one stack."""
    return Releases(cloud, f"release-{uuid.uuid4().hex[:12]}")


def canary_group(**properties):
    """A deployment group with the long canary."""
    return {
        "Type": "AWS::CodeDeploy::DeploymentGroup",
        "Properties": {**group({"Ref": "LongCanary"}, ()), **properties},
    }


def said(releases, hook):
    """What the hook was answered."""
    lines = printed(releases.cloud, f"CodeDeployHook_{releases.name}_{hook}")
    return [line.split()[1] for line in lines if line.startswith("said ")]


@pytest.mark.parametrize(
    ("calls", "answers"),
    [
        ('(deployment, "Succeeded"), (deployment, "Failed")', ["Succeeded", "LifecycleEventAlreadyCompletedException"]),
        (
            '("d-ANOTHER00", "Failed"), (deployment, "Skipped"), (deployment, "Succeeded")',
            [
                "DeploymentDoesNotExistException",
                "InvalidLifecycleEventHookExecutionStatusException",
                "Succeeded",
            ],
        ),
    ],
    ids=["twice", "for another deployment and with an invalid status"],
)
def test_the_first_valid_report_of_a_hook_counts(releases, calls, answers):
    hook = CALLING.format(calls=calls)
    releases.deploy(1, before=hook)

    releases.deploy(2, before=hook)

    until(lambda: len(said(releases, "Before")) >= len(answers))
    assert said(releases, "Before") == answers
    assert releases.alias() == ("2", {})


def test_an_alarm_stops_a_deployment_until_its_end_and_not_later(releases):
    """While the hook after the shift is awaited, the new version has all of the traffic already."""
    cloudwatch = releases.cloud.client("cloudwatch")
    alarm = f"{releases.name}-Errors"
    releases.deploy(1, alarms=["Errors"], after=SILENT)
    with releases.failing(2, alarms=["Errors"], after=SILENT) as failure:
        until(lambda: releases.alias() == ("2", {}))
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")

    assert "ALARM_ACTIVE" in failure[0]
    assert releases.alias() == ("1", {})
    (deployment,), (rollback,) = releases.deployments(), releases.rollbacks()
    assert deployment["rollbackInfo"]["rollbackDeploymentId"] == rollback["deploymentId"]
    assert rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"] == deployment["deploymentId"]
    assert rollback["status"] == "Succeeded"

    until(lambda: cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "OK")
    releases.deploy(3, alarms=["Errors"])
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="too late")

    assert releases.deployments()[0]["status"] == "Succeeded"
    assert releases.answer()[0]["release"] == 3


def test_nothing_else_happens_to_a_stack_while_a_deployment_runs_but_a_cancellation(releases):
    releases.deploy(1, **CANARY)
    cloudformation = releases.cloud.client("cloudformation")
    third = {"StackName": releases.name, "TemplateBody": releases.template(3, **CANARY)}
    third["Capabilities"] = ["CAPABILITY_IAM"]

    with releases.failing(2, **CANARY) as failure:
        releases.until_canary()
        for refused, given in (
            (cloudformation.update_stack, third),
            (cloudformation.create_change_set, {**third, "ChangeSetName": "third"}),
            (cloudformation.delete_stack, {"StackName": releases.name}),
        ):
            with pytest.raises(ClientError, match="UPDATE_IN_PROGRESS"):
                refused(**given)
        assert releases.alias() == ("1", {"2": 0.1})
        cloudformation.cancel_update_stack(StackName=releases.name)

    assert "MANUAL_STOP" in failure[0]
    assert releases.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert releases.alias() == ("1", {})
    assert [each["status"] for each in releases.deployments()] == ["Stopped"]
    releases.deploy(3)
    assert releases.answer()[0]["release"] == 3


def test_a_change_set_is_not_executed_during_an_update(releases):
    releases.deploy(1, **CANARY)
    cloudformation = releases.cloud.client("cloudformation")
    change_set = {"StackName": releases.name, "ChangeSetName": "third"}
    cloudformation.create_change_set(
        TemplateBody=releases.template(3, **CANARY), Capabilities=["CAPABILITY_IAM"], **change_set
    )
    update = {"StackName": releases.name, "TemplateBody": releases.template(2, **CANARY)}

    cloudformation.update_stack(Capabilities=["CAPABILITY_IAM"], **update)
    releases.until_canary()
    with pytest.raises(ClientError):
        cloudformation.execute_change_set(**change_set)
    cloudformation.cancel_update_stack(StackName=releases.name)

    until(lambda: releases.status() == "UPDATE_ROLLBACK_COMPLETE")
    assert releases.alias() == ("1", {})


def test_a_stop_without_rollback_leaves_it_to_the_stack(releases):
    releases.deploy(1, **CANARY)
    with releases.failing(2, **CANARY) as failure:
        releases.until_canary()
        (deployment,) = releases.deployments()
        releases.cloud.client("codedeploy").stop_deployment(
            deploymentId=deployment["deploymentId"], autoRollbackEnabled=False
        )

    assert "MANUAL_STOP" in failure[0]
    assert releases.rollbacks() == []
    assert releases.alias() == ("1", {})
    assert releases.status() == "UPDATE_ROLLBACK_COMPLETE"


def test_without_any_rollback_the_alias_keeps_its_weights_until_the_stack_is_rolled_back(releases):
    changes = {**CANARY, "Group": canary_group(**NO_ROLLBACK)}
    releases.deploy(1, **changes)
    cloudformation = releases.cloud.client("cloudformation")
    update = {"StackName": releases.name, "TemplateBody": releases.template(2, **changes)}

    cloudformation.update_stack(DisableRollback=True, Capabilities=["CAPABILITY_IAM"], **update)
    releases.until_canary()
    (deployment,) = releases.deployments()
    releases.cloud.client("codedeploy").stop_deployment(deploymentId=deployment["deploymentId"])
    until(lambda: releases.status() == "UPDATE_FAILED")

    assert releases.alias() == ("1", {"2": 0.1})
    cloudformation.rollback_stack(StackName=releases.name)
    until(lambda: releases.status() == "UPDATE_ROLLBACK_COMPLETE")
    assert releases.alias() == ("1", {})


def test_a_failed_rollback_can_be_continued(releases):
    """The version to go back to was deleted meanwhile; the alias is left out, and the rest goes back."""
    deleting = """
    import boto3, cfnresponse

    def handler(event, context):
        if event["RequestType"] == "Create":
            boto3.client("lambda").delete_function(FunctionName=event["ResourceProperties"]["Function"], Qualifier="1")
            return cfnresponse.send(event, context, cfnresponse.FAILED, {})
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {})
    """
    changes = {
        "Deleting": function_resource(deleting),
        "Role": role_with("lambda:DeleteFunction", "codedeploy:PutLifecycleEventHookExecutionStatus"),
    }
    releases.deploy(1, **changes)
    failing = {
        "Type": "AWS::CloudFormation::CustomResource",
        "DependsOn": "Alias",
        "Properties": {"ServiceToken": {"Fn::GetAtt": ["Deleting", "Arn"]}, "Function": {"Ref": "Function"}},
    }

    releases.refused(2, **changes, Failing=failing)

    assert releases.status() == "UPDATE_ROLLBACK_FAILED"
    assert releases.alias() == ("2", {})
    cloudformation = releases.cloud.client("cloudformation")
    cloudformation.continue_update_rollback(StackName=releases.name)
    until(lambda: releases.status() == "UPDATE_ROLLBACK_FAILED")
    cloudformation.continue_update_rollback(StackName=releases.name, ResourcesToSkip=["Alias"])
    until(lambda: releases.status() == "UPDATE_ROLLBACK_COMPLETE")


def second_function(release, hook):
    """Another function with an alias, which is deployed after the first one."""
    policy = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": "OtherGroup"}}
    return {
        "Other": function_resource(f"def handler(event, context):\n    return {release}"),
        f"OtherVersion{release}": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Other"}}},
        "OtherAlias": {
            "Type": "AWS::Lambda::Alias",
            "DependsOn": "Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Other"},
                "FunctionVersion": {"Fn::GetAtt": [f"OtherVersion{release}", "Version"]},
            },
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {**policy, "BeforeAllowTrafficHook": {"Ref": "OtherHook"}}},
        },
        "OtherGroup": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": group("LambdaAllAtOnce", ())},
        "OtherHook": function_resource(hook, FunctionName=f"CodeDeployHook_{uuid.uuid4().hex[:12]}"),
    }


def test_all_functions_of_a_stack_go_back_when_one_fails(releases):
    releases.deploy(1, **second_function(1, SILENT))

    said = releases.refused(2, **second_function(2, REPORTING.format(status="Failed")))

    assert "reported Failed" in said
    assert [each["status"] for each in releases.deployments()] == ["Succeeded"]  # of the first function
    assert releases.alias() == ("1", {})
    assert releases.answer()[0]["release"] == 1
    assert releases.status() == "UPDATE_ROLLBACK_COMPLETE"


def test_a_change_of_hooks_or_alarms_alone_deploys_nothing(releases):
    releases.deploy(1, before=SILENT, alarms=["Errors", "Throttles"])
    hook = REPORTING.format(status="Succeeded")

    releases.deploy(1, before=hook, alarms=["Throttles"])

    assert releases.deployments() == []
    alarms = releases.cloud.client("codedeploy").get_deployment_group(
        applicationName=releases.outputs["Application"], deploymentGroupName=releases.outputs["Group"]
    )["deploymentGroupInfo"]["alarmConfiguration"]
    assert [each["name"] for each in alarms["alarms"]] == [f"{releases.name}-Throttles"]
    releases.deploy(2, before=hook)
    assert releases.answer()[0]["release"] == 2


def test_alarms_removed_from_a_template_do_not_stop_its_next_deployment(releases):
    ringing = {**alarm_on(f"{releases.name}-Errors"), "TreatMissingData": "breaching"}
    kept = {"Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": ringing}}
    releases.deploy(1, alarms=["Errors"], **kept)
    without = group("LambdaAllAtOnce", ())
    del without["AlarmConfiguration"]
    changes = {**kept, "Group": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": without}}

    releases.deploy(2, **changes)

    assert releases.alias() == ("2", {})


def test_alarms_that_the_role_may_not_read_stop_a_deployment_unless_they_may_be_ignored(releases):
    actions = ["lambda:GetAlias", "lambda:UpdateAlias"]
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, "Policies": role_with(*actions)["Properties"]["Policies"]},
    }
    ignoring = group("LambdaAllAtOnce", ["Errors"])
    ignoring["AlarmConfiguration"]["IgnorePollAlarmFailure"] = True
    releases.deploy(1, alarms=["Errors"], DeployRole=role)

    assert "cloudwatch:DescribeAlarms" in releases.refused(2, alarms=["Errors"], DeployRole=role)
    assert releases.alias() == ("1", {})
    changed = {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": ignoring}
    releases.deploy(3, alarms=["Errors"], DeployRole=role, Group=changed)

    assert releases.answer()[0]["release"] == 3


def test_versions_with_different_roles_cannot_share_an_alias(releases):
    """As all at once needs no weights, it works."""
    other = {"Role": {"Fn::GetAtt": ["OtherRole", "Arn"]}}
    answering = "def handler(event, context):\n    return {'release': 2}"
    changes = {"OtherRole": role_with("s3:GetObject"), "Function": function_resource(answering, **other)}
    releases.deploy(1, **CANARY)

    assert "same execution role" in releases.refused(2, **CANARY, **changes)

    assert releases.alias() == ("1", {})
    releases.deploy(2, **changes)
    assert releases.answer()[0]["release"] == 2


def test_the_alias_of_a_nested_stack_is_deployed_and_goes_back(releases):
    releases.deploy = nesting(releases)
    hook = REPORTING.format(status="Succeeded")
    releases.deploy(1, before=hook)
    releases.deploy(2, before=hook)
    assert releases.answer()[0]["release"] == 2
    assert [each["status"] for each in releases.deployments()] == ["Succeeded"]

    changes = {"LongCanary": CANARY["LongCanary"], "Group": canary_group(**NO_ROLLBACK)}
    with releases.failing(3, before=hook, **changes) as failure:
        until(lambda: releases.alias() == ("2", {"3": 0.1}))
        releases.cloud.client("cloudformation").cancel_update_stack(StackName=releases.name)

    assert "MANUAL_STOP" in failure[0]
    assert releases.alias() == ("2", {})
    assert releases.answer()[0]["release"] == 2
    assert len(releases.deployments()) == 2


def test_a_function_and_its_mapping_change_together(releases):
    handling = """
    def handler(event, context):
        for record in event["Records"]:
            print("handled {release}", record["body"], len(event["Records"]))
    """
    permissions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

    def changes(batch):
        properties = {
            "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
            "FunctionName": {"Ref": "Alias"},
            "BatchSize": batch,
        }
        return {
            "Role": role_with(*permissions),
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties},
        }

    def send(text):
        sqs = releases.cloud.client("sqs")
        stack = releases.cloud.client("cloudformation").describe_stack_resource(
            StackName=releases.name, LogicalResourceId="Queue"
        )
        sqs.send_message(QueueUrl=stack["StackResourceDetail"]["PhysicalResourceId"], MessageBody=text)

    releases.deploy(1, source=handling, **changes(10))
    send("first")
    until(lambda: "handled 1 first 1" in printed(releases.cloud, releases.function))
    releases.deploy(2, source=handling, **changes(1))
    send("second")

    until(lambda: "handled 2 second 1" in printed(releases.cloud, releases.function))
    (mapping,) = releases.cloud.client("lambda").list_event_source_mappings(FunctionName=f"{releases.function}:live")[
        "EventSourceMappings"
    ]
    assert (mapping["BatchSize"], mapping["State"]) == (1, "Enabled")
    assert [each["status"] for each in releases.deployments()] == ["Succeeded"]
