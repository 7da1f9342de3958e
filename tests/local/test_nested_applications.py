"""Published applications in other stacks, as `AWS::Serverless::Application`."""

import io
import json
import uuid
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from blueprints.local.cloud import ACCOUNT

QUICKLY = {"Delay": 0.05, "MaxAttempts": 600}
ALL = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
CODE = "import os\n\ndef handler(event, context):\n    return os.environ['WORD']\n"
READER = {
    "Effect": "Allow",
    "Principal": {"Service": "serverlessrepo.amazonaws.com"},
    "Action": "s3:GetObject",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}


def published(cloud, word, name=None):
    """An application whose function says a word of its version's unless it is given one; returns its ARN."""
    s3, sar = cloud.client("s3"), cloud.client("serverlessrepo")
    bucket = f"artifacts-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    statement = {**READER, "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("say.py", CODE)
    s3.put_object(Bucket=bucket, Key="say.zip", Body=archive.getvalue())
    function = {
        "CodeUri": f"s3://{bucket}/say.zip",
        "Handler": "say.handler",
        "Runtime": "python3.13",
        "Environment": {"Variables": {"WORD": {"Ref": "Word"}}},
    }
    body = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Word": {"Type": "String", "Default": word}},
        "Resources": {"Say": {"Type": "AWS::Serverless::Function", "Properties": function}},
        "Outputs": {"Say": {"Value": {"Ref": "Say"}}},
    }
    name = name or f"say-{uuid.uuid4().hex[:12]}"
    version = {"SemanticVersion": word, "TemplateBody": json.dumps(body)}
    arn = f"arn:aws:serverlessrepo:us-east-1:{ACCOUNT}:applications/{name}"
    try:
        sar.create_application(Name=name, Description="Says a word", Author="somebody", **version)
    except sar.exceptions.ConflictException:
        sar.create_application_version(ApplicationId=arn, **version)
    return arn


def parent(arn, version="1.0.0", **properties):
    location = {"ApplicationId": arn, "SemanticVersion": version}
    nested = {"Type": "AWS::Serverless::Application", "Properties": {"Location": location, **properties}}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Nested": nested},
        "Outputs": {
            "Say": {"Value": {"Fn::GetAtt": ["Nested", "Outputs.Say"]}},
            "Nested": {"Value": {"Ref": "Nested"}},
        },
    }


@pytest.fixture
def deploy(cloud):
    """Deploys a template under one name; returns the stack's outputs."""
    cloudformation = cloud.client("cloudformation")
    name = f"parent-{uuid.uuid4().hex[:8]}"

    def deployed(body, *, update=False, capabilities=ALL, **parameters):
        request = {
            "StackName": name,
            "TemplateBody": json.dumps(body),
            "Capabilities": capabilities,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        }
        (cloudformation.update_stack if update else cloudformation.create_stack)(**request)
        waiter = cloudformation.get_waiter("stack_update_complete" if update else "stack_create_complete")
        waiter.wait(StackName=name, WaiterConfig=QUICKLY)
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    deployed.stack = name
    yield deployed
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=QUICKLY)


def test_it_is_deployed_and_its_outputs_can_be_read(cloud, deploy):
    arn = published(cloud, "1.0.0")

    outputs = deploy(parent(arn))

    assert cloud.invoke(outputs["Say"], {}).payload == "1.0.0"
    (nested,) = cloud.client("cloudformation").describe_stacks(StackName=outputs["Nested"])["Stacks"]
    tags = {each["Key"]: each["Value"] for each in nested["Tags"]}
    assert nested["StackName"].startswith(f"{deploy.stack}-Nested-")
    assert tags["serverlessrepo:applicationId"] == arn
    assert tags["serverlessrepo:semanticVersion"] == "1.0.0"


def test_its_parameters_and_tags_are_given(cloud, deploy):
    outputs = deploy(parent(published(cloud, "1.0.0"), Parameters={"Word": "hello"}, Tags={"team": "words"}))

    assert cloud.invoke(outputs["Say"], {}).payload == "hello"
    (nested,) = cloud.client("cloudformation").describe_stacks(StackName=outputs["Nested"])["Stacks"]
    assert {"Key": "team", "Value": "words"} in nested["Tags"]


def test_an_update_moves_to_another_version_and_deleting_takes_it_away(cloud, deploy):
    arn = published(cloud, "1.0.0")
    published(cloud, "1.1.0", arn.rpartition("/")[2])
    body = parent({"Ref": "Id"}, {"Ref": "Version"})
    body["Parameters"] = {"Id": {"Type": "String"}, "Version": {"Type": "String", "Default": "1.0.0"}}

    first = deploy(body, Id=arn)
    assert cloud.invoke(first["Say"], {}).payload == "1.0.0"
    second = deploy(body, update=True, Id=arn, Version="1.1.0")

    assert second == first
    assert cloud.invoke(second["Say"], {}).payload == "1.1.0"
    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName=deploy.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=deploy.stack, WaiterConfig=QUICKLY)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloud.client("lambda").get_function(FunctionName=second["Say"])


def test_a_change_set_deploys_it_too(cloud, deploy):
    cloudformation = cloud.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName=deploy.stack,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(parent(published(cloud, "1.0.0"))),
        Capabilities=ALL,
    )
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], WaiterConfig=QUICKLY)
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=deploy.stack, WaiterConfig=QUICKLY)

    (stack,) = cloudformation.describe_stacks(StackName=deploy.stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert cloud.invoke(outputs["Say"], {}).payload == "1.0.0"


def test_one_application_may_nest_another(cloud, deploy):
    inner = published(cloud, "1.0.0")
    outer = cloud.client("serverlessrepo").create_application(
        Name=f"outer-{uuid.uuid4().hex[:8]}",
        Description="Nests one",
        Author="somebody",
        SemanticVersion="1.0.0",
        TemplateBody=json.dumps(parent(inner)),
    )["ApplicationId"]

    assert cloud.invoke(deploy(parent(outer))["Say"], {}).payload == "1.0.0"


def test_capabilities_of_the_parent_cover_it(cloud, deploy):
    body = parent(published(cloud, "1.0.0"))
    with pytest.raises(ClientError, match=r"Requires capabilities : \[CAPABILITY_AUTO_EXPAND\]"):
        deploy(body, capabilities=["CAPABILITY_IAM"])
    with pytest.raises(WaiterError):
        deploy(body, capabilities=["CAPABILITY_AUTO_EXPAND"])

    assert "Requires capabilities : [CAPABILITY_IAM]" in reasons(cloud, deploy.stack)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ({"ApplicationId": "{arn}-not", "SemanticVersion": "1.0.0"}, "doesn't exist"),
        ({"ApplicationId": "{arn}", "SemanticVersion": "9.0.0"}, "Application version 9.0.0 doesn't exist"),
        ({"ApplicationId": "{arn}"}, r"\[Nested\] is invalid. Resource is missing the required \[SemanticVersion\]"),
        ({"ApplicationId": {"Fn::Sub": "{arn}"}, "SemanticVersion": "1.0.0"}, "'ApplicationId' cannot be resolved"),
    ],
    ids=["wrong id", "wrong version", "no version", "an intrinsic function"],
)
def test_missing_applications_fail_with_the_repositorys_messages(cloud, deploy, location, said):
    arn = published(cloud, "1.0.0")
    body = json.loads(json.dumps(parent(arn)).replace(arn, "ARN"))
    body["Resources"]["Nested"]["Properties"]["Location"] = json.loads(json.dumps(location).replace("{arn}", arn))

    with pytest.raises(ClientError, match=said) as refused:
        deploy(body)

    assert "Transform AWS::Serverless-2016-10-31 failed with:" in str(refused.value)
    with pytest.raises(ClientError, match="does not exist"):
        cloud.client("cloudformation").describe_stacks(StackName=deploy.stack)


def test_another_accounts_application_is_denied_until_it_is_shared(cloud):
    arn = published(cloud, "1.0.0")
    other = {"endpoint_url": cloud.endpoint, "region_name": "us-east-1", "aws_secret_access_key": "x"}
    theirs = boto3.client("cloudformation", aws_access_key_id="111111111111", **other)
    request = {"StackName": "theirs", "TemplateBody": json.dumps(parent(arn)), "Capabilities": ALL}

    with pytest.raises(ClientError, match="111111111111 is not authorized to perform serverlessrepo:Create"):
        theirs.create_stack(**request)

    share = [{"Principals": ["111111111111"], "Actions": ["Deploy"]}]
    cloud.client("serverlessrepo").put_application_policy(ApplicationId=arn, Statements=share)
    theirs.create_stack(**request)
    theirs.get_waiter("stack_create_complete").wait(StackName="theirs", WaiterConfig=QUICKLY)
    (stack,) = theirs.describe_stacks(StackName="theirs")["Stacks"]
    function = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}["Say"]
    answer = boto3.client("lambda", aws_access_key_id="111111111111", **other).invoke(FunctionName=function)
    assert json.loads(answer["Payload"].read()) == "1.0.0"
    theirs.delete_stack(StackName="theirs")
    theirs.get_waiter("stack_delete_complete").wait(StackName="theirs", WaiterConfig=QUICKLY)


def test_one_that_fails_fails_the_parent_and_leaves_nothing(cloud, deploy):
    sar = cloud.client("serverlessrepo")
    cloud.client("ssm").put_parameter(Name="taken", Value="by another", Type="String")
    body = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-the-nested-one"}},
            "Said": {
                "Type": "AWS::SSM::Parameter",
                "DependsOn": "Queue",
                "Properties": {"Name": "taken", "Type": "String", "Value": "x"},
            },
        },
    }
    made = sar.create_application(
        Name=f"fails-{uuid.uuid4().hex[:8]}",
        Description="Fails",
        Author="somebody",
        SemanticVersion="1.0.0",
        TemplateBody=json.dumps(body),
    )

    with pytest.raises(WaiterError):
        deploy(parent(made["ApplicationId"]))

    assert "already exists" in reasons(cloud, deploy.stack)
    assert not cloud.client("sqs").list_queues(QueueNamePrefix="of-the-nested-one").get("QueueUrls")
    assert cloud.client("ssm").get_parameter(Name="taken")["Parameter"]["Value"] == "by another"
    cloud.client("ssm").delete_parameter(Name="taken")


def test_an_update_that_fails_goes_back_to_the_version_before(cloud, deploy):
    arn = published(cloud, "1.0.0")
    cloud.client("ssm").put_parameter(Name="taken", Value="by another", Type="String")
    broken = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-the-broken-version"}},
            "Said": {
                "Type": "AWS::SSM::Parameter",
                "DependsOn": "Queue",
                "Properties": {"Name": "taken", "Type": "String", "Value": "x"},
            },
        },
        "Transform": "AWS::Serverless-2016-10-31",
        "Outputs": {"Say": {"Value": "nothing"}},
    }
    cloud.client("serverlessrepo").create_application_version(
        ApplicationId=arn, SemanticVersion="2.0.0", TemplateBody=json.dumps(broken)
    )
    first = deploy(parent(arn))

    with pytest.raises(WaiterError):
        deploy(parent(arn, "2.0.0"), update=True)

    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=deploy.stack)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in reasons(cloud, deploy.stack)
    assert cloud.invoke(first["Say"], {}).payload == "1.0.0"
    assert not cloud.client("sqs").list_queues(QueueNamePrefix="of-the-broken-version").get("QueueUrls")
    cloud.client("ssm").delete_parameter(Name="taken")


def test_a_parameter_that_it_does_not_have_fails_the_parent(cloud, deploy):
    with pytest.raises(WaiterError):
        deploy(parent(published(cloud, "1.0.0"), Parameters={"Wort": "hello"}))

    assert "Wort" in reasons(cloud, deploy.stack)


def test_one_that_takes_longer_than_it_was_given_fails_the_parent_and_leaves_nothing(cloud, deploy):
    before = {each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]}
    with pytest.raises(WaiterError):
        deploy(parent(published(cloud, "1.0.0"), TimeoutInMinutes=0))

    assert "exceeded the specified timeout of 0 minutes" in reasons(cloud, deploy.stack)
    assert {each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]} == before


def test_its_topics_receive_stack_events(cloud, deploy):
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name=f"stacks-{uuid.uuid4().hex[:8]}")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"stacks-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue_arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})

    deploy(parent(published(cloud, "1.0.0"), NotificationARNs=[topic]))

    heard = []
    for _ in range(10):
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        heard += [dict(line.split("=", 1) for line in each["Body"].splitlines()) for each in messages]
        if "'CREATE_COMPLETE'" in [each["ResourceStatus"] for each in heard if each["LogicalResourceId"] == "'Say'"]:
            break
    assert {each["StackName"].split("-Nested-")[0] for each in heard} == {f"'{deploy.stack}"}
    assert "'AWS::Lambda::Function'" in {each["ResourceType"] for each in heard}


def test_a_topic_that_is_not_there_fails_the_parent(cloud, deploy):
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:nowhere"
    with pytest.raises(WaiterError):
        deploy(parent(published(cloud, "1.0.0"), NotificationARNs=[topic]))

    assert topic in reasons(cloud, deploy.stack)


def reasons(cloud, stack):
    """Why resources of the stack failed."""
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return "\n".join(
        each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"].endswith("FAILED")
    )
