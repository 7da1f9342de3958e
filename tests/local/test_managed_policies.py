"""Managed policies that do not exist are refused; those whose content is not known here are named."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from tests.local.resources import ROLE

AWS = "arn:aws:iam::aws:policy"
UNKNOWN = f"{AWS}/AmazonPollyReadOnlyAccess"


def role_with(*arns):
    return {**ROLE, "Properties": {**ROLE["Properties"], "ManagedPolicyArns": list(arns)}}


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        (f"{AWS}/AmazonS3ReadAccess", "does not exist or is not attachable"),
        (f"{AWS}/AWSLambdaBasicExecutionRole", f"Did you mean {AWS}/service-role/AWSLambdaBasicExecutionRole"),
        ("arn:aws:iam::000000000000:policy/none", "does not exist or is not attachable"),
    ],
)
def test_a_policy_that_does_not_exist_refuses_the_deployment(cloud, arn, said):
    template = json.dumps({"Resources": {"Role": role_with(arn)}})

    with pytest.raises(BlueprintError) as refused:
        deploy(cloud, f"test-{uuid.uuid4().hex[:12]}", template)

    assert f"Policy {arn} does not exist" in str(refused.value)
    assert said in str(refused.value)


def test_a_policy_that_does_not_exist_is_not_attached(cloud):
    iam, name = cloud.client("iam"), f"test-{uuid.uuid4().hex[:12]}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ROLE["Properties"]["AssumeRolePolicyDocument"]))
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    arn = f"{AWS}/AdminstratorAccess"

    for attach in (
        lambda: iam.attach_role_policy(RoleName=name, PolicyArn=arn),
        lambda: iam.attach_user_policy(UserName=name, PolicyArn=arn),
        lambda: iam.attach_group_policy(GroupName=name, PolicyArn=arn),
    ):
        with pytest.raises(ClientError, match="does not exist or is not attachable") as refused:
            attach()
        assert refused.value.response["Error"]["Code"] == "NoSuchEntity"
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []


def test_a_policy_of_which_only_the_name_is_known_is_named(cloud):
    known = f"{AWS}/AmazonS3ReadOnlyAccess"
    template = json.dumps({"Resources": {"Role": role_with(UNKNOWN, known), "Other": role_with(known)}})

    stack = deploy(cloud, f"test-{uuid.uuid4().hex[:12]}", template)

    (named,) = stack.not_emulated
    assert (named["resource"], named["property"]) == ("Role", "ManagedPolicyArns")
    assert "AmazonPollyReadOnlyAccess" in named["consequence"]
    assert "AmazonS3ReadOnlyAccess" not in named["consequence"]


def test_a_boundary_of_which_only_the_name_is_known_is_named(cloud):
    bounded = {**ROLE, "Properties": {**ROLE["Properties"], "PermissionsBoundary": UNKNOWN}}

    stack = deploy(cloud, f"test-{uuid.uuid4().hex[:12]}", json.dumps({"Resources": {"Role": bounded}}))

    (named,) = stack.not_emulated
    assert (named["property"], "AmazonPollyReadOnlyAccess" in named["consequence"]) == ("PermissionsBoundary", True)


def test_a_policy_of_the_same_template_is_attached(cloud):
    policy = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
            }
        },
    }
    template = json.dumps({"Resources": {"Policy": policy, "Role": role_with({"Ref": "Policy"})}})

    stack = deploy(cloud, f"test-{uuid.uuid4().hex[:12]}", template)

    (role,) = (each.physical_id for each in stack.resources if each.logical_id == "Role")
    assert len(cloud.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]) == 1


def test_the_content_of_added_policies_survives_a_reset():
    with Cloud(time_scale=3000) as cloud:
        cloud.reset()
        for name in ("service-role/AWSCodeDeployRoleForLambda", "AWSXrayWriteOnlyAccess"):
            version = cloud.client("iam").get_policy_version(PolicyArn=f"{AWS}/{name}", VersionId="v1")
            assert version["PolicyVersion"]["Document"]["Statement"]
