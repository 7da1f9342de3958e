"""The roles that a template hands over, and the role that executes a stack."""

import json
import time
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import ACCOUNT
from tests.local.resources import client_settings, function_resource

DEPLOY = {"Effect": "Allow", "Action": ["cloudformation:*", "lambda:*"], "Resource": "*"}


@pytest.fixture
def role(cloud):
    """Makes a role that a principal may assume, with these statements; returns its ARN."""

    def make(principal, *statements):
        iam, name = cloud.client("iam"), f"stack-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*statements))
        return arn

    return make


@pytest.fixture
def deployer(cloud, role):
    """Makes a client of CloudFormation with these permissions."""

    def make(*statements):
        session = cloud.client("sts").assume_role(
            RoleArn=role({"AWS": ACCOUNT}, *statements), RoleSessionName="deployer"
        )["Credentials"]
        keys = {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        return boto3.client("cloudformation", **client_settings(cloud) | keys)

    return make


@pytest.fixture
def function_role(role):
    return role({"Service": "lambda.amazonaws.com"})


@pytest.fixture
def execution_role(role, function_role):
    """A role that CloudFormation may assume, and that may pass the function's role."""
    return role({"Service": "cloudformation.amazonaws.com"}, DEPLOY, passing(function_role, "lambda"))


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def passing(role, service):
    condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    return {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": condition}


def template(role, timeout=10):
    function = function_resource("def handler(event, context): pass", Role=role, Timeout=timeout)
    return json.dumps({"Resources": {"Function": function}})


def ended(client, stack):
    """The status of a stack after its operation, and the reasons of its failures."""
    while True:
        status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            break
        time.sleep(0.02)
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return status, [each["ResourceStatusReason"] for each in events if each["ResourceStatus"].endswith("_FAILED")]


def unique():
    return f"roles-{uuid.uuid4().hex[:8]}"


def test_a_function_of_a_template_takes_the_permission_to_pass_its_role(cloud, deployer, function_role):
    client, stack = deployer(DEPLOY), unique()

    client.create_stack(StackName=stack, TemplateBody=template(function_role))

    status, reasons = ended(client, stack)
    assert status == "ROLLBACK_COMPLETE"
    assert f"not authorized to perform: iam:PassRole on resource: {function_role} because" in reasons[0]
    assert cloud.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"] == []


def test_a_caller_that_may_pass_the_role_deploys_the_function(deployer, function_role):
    client, stack = deployer(DEPLOY, passing(function_role, "lambda")), unique()

    client.create_stack(StackName=stack, TemplateBody=template(function_role))

    assert ended(client, stack) == ("CREATE_COMPLETE", [])


def test_an_update_that_keeps_the_role_takes_no_permission_to_pass_it(cloud, deployer, function_role, role):
    client, stack = deployer(DEPLOY), unique()
    owner = cloud.client("cloudformation")
    owner.create_stack(StackName=stack, TemplateBody=template(function_role))
    assert ended(owner, stack)[0] == "CREATE_COMPLETE"

    client.update_stack(StackName=stack, TemplateBody=template(function_role, timeout=20))
    assert ended(client, stack) == ("UPDATE_COMPLETE", [])

    other = role({"Service": "lambda.amazonaws.com"})
    client.update_stack(StackName=stack, TemplateBody=template(other))
    status, reasons = ended(client, stack)
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {other} because" in reasons[0]


def test_a_stack_with_a_role_is_executed_in_it(deployer, function_role, execution_role):
    """The caller may pass the stack's role alone; a later operation has that role again."""
    client, stack = deployer(DEPLOY, passing(execution_role, "cloudformation")), unique()

    client.create_stack(StackName=stack, TemplateBody=template(function_role), RoleARN=execution_role)
    assert ended(client, stack) == ("CREATE_COMPLETE", [])

    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})


def test_the_role_of_a_stack_needs_the_permission_to_pass_roles(deployer, function_role, role):
    weak = role({"Service": "cloudformation.amazonaws.com"}, DEPLOY)
    client, stack = deployer(DEPLOY, passing(weak, "cloudformation"), passing(function_role, "lambda")), unique()

    client.create_stack(StackName=stack, TemplateBody=template(function_role), RoleARN=weak)

    status, reasons = ended(client, stack)
    assert status == "ROLLBACK_COMPLETE"
    assert f"assumed-role/{weak.rsplit('/', 1)[1]}/AWSCloudFormation is not authorized" in reasons[0]


def test_a_change_set_is_executed_in_the_role_it_was_made_with(deployer, function_role, execution_role):
    client, stack = deployer(DEPLOY, passing(execution_role, "cloudformation")), unique()
    client.create_change_set(
        StackName=stack,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template(function_role),
        RoleARN=execution_role,
    )

    client.execute_change_set(StackName=stack, ChangeSetName="first")

    assert ended(client, stack) == ("CREATE_COMPLETE", [])


def test_a_role_that_cloudformation_may_not_assume_is_refused(cloud, function_role):
    owner, stack = cloud.client("cloudformation"), unique()

    with pytest.raises(ClientError, match=f"Role {function_role} is invalid or cannot be assumed"):
        owner.create_stack(StackName=stack, TemplateBody=template(function_role), RoleARN=function_role)

    with pytest.raises(ClientError, match="does not exist"):
        owner.describe_stacks(StackName=stack)
