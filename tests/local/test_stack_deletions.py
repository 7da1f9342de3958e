"""Deleting a stack fails if AWS refuses to delete one of its resources, which then stays."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local.resources import ROLE, function_resource, role_with
from tests.local.waiting import until

BUCKET = {"Type": "AWS::S3::Bucket"}
VERSIONED = {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
TOPIC = {"Type": "AWS::SNS::Topic"}


class Stack:
    """A stack made, changed and deleted by the API."""

    def __init__(self, cloud, resources, **options):
        self._cloudformation, self.name = cloud.client("cloudformation"), f"deletion-{uuid.uuid4().hex[:12]}"
        self.options = {"StackName": self.name, "Capabilities": ["CAPABILITY_NAMED_IAM"], **options}
        self.id = self._cloudformation.create_stack(TemplateBody=self._body(resources), **self.options)["StackId"]
        self.settled()

    def settled(self):
        """The stack's status once nothing happens to it any more; by its id, which outlives the stack."""

        def status():
            found = self._cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"]
            return not found.endswith("_IN_PROGRESS") and found

        return until(status)

    def update(self, resources):
        self._cloudformation.update_stack(TemplateBody=self._body(resources), **self.options)
        return self.settled()

    def delete(self, **options):
        self._cloudformation.delete_stack(StackName=self.id, **options)
        return self.settled()

    def resource(self, logical_id):
        return self._cloudformation.describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)[
            "StackResourceDetail"
        ]

    def physical_id(self, logical_id="Data"):
        return self.resource(logical_id)["PhysicalResourceId"]

    def left(self):
        """What the stack still holds."""
        listed = self._cloudformation.list_stack_resources(StackName=self.id)["StackResourceSummaries"]
        return {each["LogicalResourceId"] for each in listed if each["ResourceStatus"] != "DELETE_COMPLETE"}

    def statuses(self, logical_id):
        """Every status the resource had, oldest first."""
        events = self._cloudformation.describe_stack_events(StackName=self.id)["StackEvents"]
        return [each["ResourceStatus"] for each in reversed(events) if each["LogicalResourceId"] == logical_id]

    @staticmethod
    def _body(resources):
        return json.dumps({"Resources": resources})


@pytest.fixture
def s3(cloud):
    return cloud.client("s3")


def exists(s3, bucket):
    return bucket in {each["Name"] for each in s3.list_buckets()["Buckets"]}


def test_a_full_bucket_stays_with_its_objects_until_it_is_emptied(cloud, s3):
    stack = Stack(cloud, {"Data": BUCKET, "Topic": TOPIC})
    bucket = stack.physical_id()
    s3.put_object(Bucket=bucket, Key="kept.txt", Body=b"kept")

    assert stack.delete() == "DELETE_FAILED"

    assert s3.get_object(Bucket=bucket, Key="kept.txt")["Body"].read() == b"kept"
    assert stack.left() == {"Data"}  # the topic is gone
    assert stack.resource("Data")["ResourceStatus"] == "DELETE_FAILED"
    assert "not empty" in stack.resource("Data")["ResourceStatusReason"]
    assert stack.delete() == "DELETE_FAILED"  # nothing changed meanwhile

    s3.delete_object(Bucket=bucket, Key="kept.txt")
    assert stack.delete() == "DELETE_COMPLETE"
    assert not exists(s3, bucket)


def test_a_bucket_of_old_versions_and_delete_markers_is_not_empty(cloud, s3):
    stack = Stack(cloud, {"Data": VERSIONED})
    bucket = stack.physical_id()
    version = s3.put_object(Bucket=bucket, Key="one", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="one")["VersionId"]
    assert stack.delete() == "DELETE_FAILED"

    s3.delete_object(Bucket=bucket, Key="one", VersionId=version)
    assert stack.delete() == "DELETE_FAILED"  # the marker is left

    s3.delete_object(Bucket=bucket, Key="one", VersionId=marker)
    assert stack.delete() == "DELETE_COMPLETE"


def test_the_api_refuses_to_delete_a_full_bucket(s3):
    bucket = f"full-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")

    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)


def test_a_failed_bucket_can_be_left_out_of_the_deletion(cloud, s3):
    stack = Stack(cloud, {"Data": BUCKET})
    bucket = stack.physical_id()
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")
    stack.delete()

    assert stack.delete(RetainResources=["Data"]) == "DELETE_COMPLETE"

    assert exists(s3, bucket)


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_a_retained_bucket_is_no_failure(cloud, s3, policy):
    stack = Stack(cloud, {"Data": {**BUCKET, "DeletionPolicy": policy}})
    bucket = stack.physical_id()
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")

    assert stack.delete() == "DELETE_COMPLETE"

    assert exists(s3, bucket)


FILLS_THE_BUCKET_AND_FAILS = """
    import json, urllib.request, boto3
    def handler(event, context):
        if event["RequestType"] == "Create":
            boto3.client("s3").put_object(Bucket=event["ResourceProperties"]["Bucket"], Key="early", Body=b"early")
        answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        answer["Status"] = "FAILED" if event["RequestType"] == "Create" else "SUCCESS"
        answer["PhysicalResourceId"], answer["Reason"] = "fills", "made to fail"
        request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
        urllib.request.urlopen(request)
"""


@pytest.fixture
def failing_function(cloud, stack):
    deployed = stack(Role=role_with("s3:PutObject"), Function=function_resource(FILLS_THE_BUCKET_AND_FAILS))
    described = cloud.client("lambda").get_function(FunctionName=deployed.outputs["Function"])
    return described["Configuration"]["FunctionArn"]


def filled_by(function):
    return {"Type": "Custom::Fill", "Properties": {"ServiceToken": function, "Bucket": {"Ref": "Data"}}}


def test_a_failed_creation_keeps_the_bucket_that_was_filled_meanwhile(cloud, s3, failing_function):
    stack = Stack(cloud, {"Data": BUCKET, "Fill": filled_by(failing_function)})

    assert stack.settled() == "ROLLBACK_FAILED"

    bucket = stack.physical_id()
    assert exists(s3, bucket)
    assert stack.left() == {"Data"}
    assert stack.delete() == "DELETE_FAILED"

    s3.delete_object(Bucket=bucket, Key="early")
    assert stack.delete() == "DELETE_COMPLETE"
    assert not exists(s3, bucket)


def test_an_update_that_replaces_or_removes_a_full_bucket_succeeds_and_leaves_it(cloud, s3):
    names = [f"data-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    first, second = ({**BUCKET, "Properties": {"BucketName": name}} for name in names)
    stack = Stack(cloud, {"Data": first, "Topic": TOPIC})
    s3.put_object(Bucket=names[0], Key="kept", Body=b"kept")

    assert stack.update({"Data": second, "Topic": TOPIC}) == "UPDATE_COMPLETE"

    assert stack.physical_id() == names[1]
    assert exists(s3, names[0])
    assert "DELETE_FAILED" in stack.statuses("Data")
    s3.put_object(Bucket=names[1], Key="kept", Body=b"kept")
    assert stack.update({"Topic": TOPIC}) == "UPDATE_COMPLETE"
    assert exists(s3, names[1])


def nested(cloud, **resources):
    """A nested stack of these resources."""
    s3, bucket = cloud.client("s3"), f"templates-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="nested.json", Body=json.dumps({"Resources": resources}).encode())
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": f"https://s3.amazonaws.com/{bucket}/nested.json"},
    }


def test_a_full_bucket_of_a_nested_stack_keeps_both_stacks(cloud, s3):
    name = f"nested-{uuid.uuid4().hex[:12]}"
    stack = Stack(cloud, {"Nested": nested(cloud, Data={**BUCKET, "Properties": {"BucketName": name}}), "Topic": TOPIC})
    s3.put_object(Bucket=name, Key="kept", Body=b"kept")
    child = stack.physical_id("Nested")

    assert stack.delete() == "DELETE_FAILED"

    assert exists(s3, name)
    assert stack.left() == {"Nested"}
    status = cloud.client("cloudformation").describe_stacks(StackName=child)["Stacks"][0]["StackStatus"]
    assert status == "DELETE_FAILED"

    s3.delete_object(Bucket=name, Key="kept")
    assert stack.delete() == "DELETE_COMPLETE"
    assert not exists(s3, name)


def test_resources_retained_by_a_nested_template_stay(cloud, s3):
    name = f"nested-{uuid.uuid4().hex[:12]}"
    data = {**BUCKET, "Properties": {"BucketName": name}, "DeletionPolicy": "Retain"}
    stack = Stack(cloud, {"Nested": nested(cloud, Data=data)})

    assert stack.delete() == "DELETE_COMPLETE"

    assert exists(s3, name)


TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "DeletionProtectionEnabled": True,
    },
}


def test_a_protected_table_stays_until_the_protection_is_taken_off(cloud):
    stack = Stack(cloud, {"Data": TABLE})
    dynamodb, name = cloud.client("dynamodb"), stack.physical_id()
    dynamodb.put_item(TableName=name, Item={"id": {"S": "kept"}})

    assert stack.delete() == "DELETE_FAILED"

    assert dynamodb.scan(TableName=name)["Count"] == 1
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    assert stack.delete() == "DELETE_COMPLETE"
    assert name not in dynamodb.list_tables()["TableNames"]


def test_a_protected_user_pool_stays(cloud):
    stack = Stack(cloud, {"Data": {"Type": "AWS::Cognito::UserPool", "Properties": {"DeletionProtection": "ACTIVE"}}})

    assert stack.delete() == "DELETE_FAILED"

    described = cloud.client("cognito-idp").describe_user_pool(UserPoolId=stack.physical_id())
    assert described["UserPool"]["DeletionProtection"] == "ACTIVE"


DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
OWN_POLICIES = {
    "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    "Policies": [{"PolicyName": "own", "PolicyDocument": DOCUMENT}],
}


def attach_managed(iam, role):
    arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    return lambda: iam.detach_role_policy(RoleName=role, PolicyArn=arn)


def attach_inline(iam, role):
    iam.put_role_policy(RoleName=role, PolicyName="foreign", PolicyDocument=json.dumps(DOCUMENT))
    return lambda: iam.delete_role_policy(RoleName=role, PolicyName="foreign")


def use_in_a_profile(iam, role):
    name = f"profile-{uuid.uuid4().hex[:8]}"
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return lambda: iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)


@pytest.mark.parametrize("use", [attach_managed, attach_inline, use_in_a_profile])
def test_a_role_in_use_outside_its_template_stays(cloud, use):
    role = {**ROLE, "Properties": {**ROLE["Properties"], **OWN_POLICIES}}
    stack = Stack(cloud, {"Data": role})
    iam, name = cloud.client("iam"), stack.physical_id()
    undo = use(iam, name)

    assert stack.delete() == "DELETE_FAILED"

    iam.get_role(RoleName=name)
    undo()
    assert stack.delete() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=name)


def test_a_role_goes_with_the_policies_of_its_own_template(cloud):
    policy = {"PolicyDocument": DOCUMENT, "Roles": [{"Ref": "Role"}]}
    stack = Stack(
        cloud,
        {
            "Role": {**ROLE, "Properties": {**ROLE["Properties"], **OWN_POLICIES}},
            "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy},
            "Inline": {"Type": "AWS::IAM::Policy", "Properties": {**policy, "PolicyName": "inline"}},
        },
    )

    assert stack.delete() == "DELETE_COMPLETE"


def test_a_protected_stack_is_not_deleted(cloud):
    stack = Stack(cloud, {"Topic": TOPIC}, EnableTerminationProtection=True)

    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stack.delete()

    assert stack.left() == {"Topic"}


def test_a_stack_whose_export_is_used_is_not_deleted(cloud):
    cloudformation, run = cloud.client("cloudformation"), uuid.uuid4().hex[:8]
    output = {"Value": {"Ref": "Topic"}, "Export": {"Name": f"topic-{run}"}}
    body = {"Resources": {"Topic": TOPIC}, "Outputs": {"Topic": output}}
    cloudformation.create_stack(StackName=f"exports-{run}", TemplateBody=json.dumps(body))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=f"exports-{run}", WaiterConfig={"Delay": 1})
    parameter = {"Type": "String", "Value": {"Fn::ImportValue": f"topic-{run}"}}
    importing = Stack(cloud, {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": parameter}})

    with pytest.raises(ClientError, match="imported by"):
        cloudformation.delete_stack(StackName=f"exports-{run}")

    assert importing.delete() == "DELETE_COMPLETE"
    cloudformation.delete_stack(StackName=f"exports-{run}")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=f"exports-{run}", WaiterConfig={"Delay": 1})
