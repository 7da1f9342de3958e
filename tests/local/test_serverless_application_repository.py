"""The embedded Serverless Application Repository as boto3 meets it: what it keeps, deploys and refuses."""

import io
import json
import urllib.request
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import ACCOUNT
from blueprints.pattern import discover
from tests.local.sam_command_line import sam_command_line

READER = {
    "Effect": "Allow",
    "Principal": {"Service": "serverlessrepo.amazonaws.com"},
    "Action": "s3:GetObject",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
CODE = "import os\n\ndef handler(event, context):\n    return os.environ['WORD']\n"


@pytest.fixture
def sar(cloud):
    return cloud.client("serverlessrepo")


@pytest.fixture
def bucket(cloud):
    """A bucket that the repository may read, with a function's package in it."""
    name = f"artifacts-{uuid.uuid4().hex[:12]}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    let_read(s3, name)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("say.py", CODE)
    s3.put_object(Bucket=name, Key="say.zip", Body=archive.getvalue())
    return name


def let_read(s3, bucket, **changes):
    statement = {**READER, "Resource": f"arn:aws:s3:::{bucket}/*", **changes}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def template(bucket, **properties):
    function = {
        "CodeUri": f"s3://{bucket}/say.zip",
        "Handler": "say.handler",
        "Runtime": "python3.13",
        "MemorySize": 128,
        "Environment": {"Variables": {"WORD": {"Ref": "Word"}}},
        **properties,
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Word": {"Type": "String", "Default": "hello"}},
        "Resources": {"Say": {"Type": "AWS::Serverless::Function", "Properties": function}},
        "Outputs": {"Say": {"Value": {"Ref": "Say"}}},
    }


def application(bucket, **changes):
    """What CreateApplication takes; None takes a field out."""
    fields = {
        "Name": f"say-{uuid.uuid4().hex[:12]}",
        "Description": "Says a word",
        "Author": "somebody",
        "SpdxLicenseId": "MIT-0",
        "LicenseBody": "as it is",
        "ReadmeBody": "# Say",
        "Labels": ["word"],
        "SemanticVersion": "0.1.0",
        "SourceCodeUrl": "https://example.com/say",
        "TemplateBody": json.dumps(template(bucket)),
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def refusal(call, **arguments):
    """The code and message that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_published_application_is_described(sar, bucket):
    wanted = application(bucket)
    made = sar.create_application(**wanted)
    shown = sar.get_application(ApplicationId=made["ApplicationId"])

    assert made["ApplicationId"] == f"arn:aws:serverlessrepo:us-east-1:{ACCOUNT}:applications/{wanted['Name']}"
    assert shown["Version"]["SemanticVersion"] == "0.1.0"
    assert shown["Version"]["RequiredCapabilities"] == []
    assert shown["Version"]["ParameterDefinitions"] == [
        {"Name": "Word", "Type": "String", "DefaultValue": "hello", "NoEcho": False, "ReferencedByResources": ["Say"]}
    ]
    assert urllib.request.urlopen(shown["ReadmeUrl"]).read() == b"# Say"
    assert wanted["Name"] in {
        each["Name"] for page in sar.get_paginator("list_applications").paginate() for each in page["Applications"]
    }


def test_a_change_set_deploys_a_published_version_after_its_bucket_is_deleted(cloud, sar, bucket):
    arn = sar.create_application(**application(bucket))["ApplicationId"]
    cloud.client("s3").delete_object(Bucket=bucket, Key="say.zip")
    made = sar.create_cloud_formation_change_set(
        ApplicationId=arn, StackName=f"say-{uuid.uuid4().hex[:8]}", ParameterOverrides=[{"Name": "Word", "Value": "hi"}]
    )
    cloudformation = cloud.client("cloudformation")
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["ChangeSetId"])
    cloudformation.execute_change_set(ChangeSetName=made["ChangeSetId"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=made["StackId"], WaiterConfig={"Delay": 0.05})
    stack = cloudformation.describe_stacks(StackName=made["StackId"])["Stacks"][0]

    assert stack["StackName"].startswith("serverlessrepo-say-")
    assert {"Key": "serverlessrepo:applicationId", "Value": arn} in stack["Tags"]
    assert cloud.invoke(stack["Outputs"][0]["OutputValue"], {}).payload == "hi"


def test_a_name_that_is_taken_is_answered_with_the_applications_arn(sar, bucket):
    wanted = application(bucket)
    arn = sar.create_application(**wanted)["ApplicationId"]

    code, message = refusal(sar.create_application, **wanted)

    assert code == "ConflictException"
    assert arn in message.split()


def test_a_version_is_published_once(sar, bucket):
    arn = sar.create_application(**application(bucket))["ApplicationId"]
    body = json.dumps(template(bucket))
    sar.create_application_version(ApplicationId=arn, SemanticVersion="0.10.0", TemplateBody=body)
    sar.create_application_version(ApplicationId=arn, SemanticVersion="0.9.0", TemplateBody=body)

    again = refusal(sar.create_application_version, ApplicationId=arn, SemanticVersion="0.9.0", TemplateBody=body)

    assert again[0] == "ConflictException"
    versions = [each["SemanticVersion"] for each in sar.list_application_versions(ApplicationId=arn)["Versions"]]
    assert versions == ["0.1.0", "0.9.0", "0.10.0"]
    assert sar.get_application(ApplicationId=arn)["Version"]["SemanticVersion"] == "0.10.0"


@pytest.mark.parametrize(
    "policy",
    [None, {"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}}, {"Action": "s3:PutObject"}],
    ids=["no policy", "another account", "another action"],
)
def test_artifacts_that_the_repository_may_not_read_are_refused(cloud, sar, bucket, policy):
    s3 = cloud.client("s3")
    s3.delete_bucket_policy(Bucket=bucket)
    if policy:
        let_read(s3, bucket, **policy)

    wanted = application(bucket)
    code, message = refusal(sar.create_application, **wanted)

    assert code == "BadRequestException"
    assert f"does not have read access to bucket '{bucket}', key 'say.zip'" in message
    assert wanted["Name"] not in str(sar.list_applications()["Applications"])


@pytest.mark.parametrize(
    "changes",
    [
        {"Author": "Somebody"},
        {"Author": "a--b"},
        {"Name": "say it"},
        {"Description": "x" * 257},
        {"Labels": [f"label-{number}" for number in range(11)]},
        {"Labels": ["two words"]},
        {"SemanticVersion": "1.0"},
        {"LicenseBody": "x" * (5 * 1024 * 1024 + 1)},
        {"ReadmeUrl": "s3://elsewhere/readme.md"},
    ],
    ids=str,
)
def test_fields_out_of_their_limits_are_refused(sar, bucket, changes):
    assert refusal(sar.create_application, **application(bucket, **changes))[0] == "BadRequestException"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Transform": ["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"]}, "Transform"),
        ({"Resources": {"A": {"Type": "AWS::CloudWatch::CompositeAlarm"}}}, "CompositeAlarm"),
        ({"Resources": {"A": {"Type": "Custom::Thing"}}}, "CustomResource"),
        (
            {"Resources": {"A": {"Type": "AWS::Serverless::Application", "Properties": {"Location": "a.yaml"}}}},
            "a.yaml",
        ),
        ({"Resources": {"A": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "src/"}}}}, "src/"),
        ({"Metadata": {"Long": "x" * 500_000}}, "460,800"),
    ],
    ids=["another transform", "a refused type", "a custom type", "nested by path", "unpackaged", "500 KB"],
)
def test_templates_that_it_does_not_take_are_refused(sar, bucket, changes, said):
    body = json.dumps(template(bucket) | changes)

    code, message = refusal(sar.create_application, **application(bucket, TemplateBody=body))

    assert code == "BadRequestException"
    assert said in message


def test_capabilities_have_to_be_acknowledged(sar, bucket):
    body = template(bucket, Policies=[{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}])
    arn = sar.create_application(**application(bucket, TemplateBody=json.dumps(body)))["ApplicationId"]
    version = sar.get_application(ApplicationId=arn)["Version"]

    assert version["RequiredCapabilities"] == ["CAPABILITY_IAM"]
    code, message = refusal(sar.create_cloud_formation_change_set, ApplicationId=arn, StackName="say")
    assert code == "BadRequestException"
    assert "CAPABILITY_IAM" in message
    misspelt = {"Capabilities": ["CAPABILITY_IAM", "CAPABILITY_IAN"]}
    code, message = refusal(sar.create_cloud_formation_change_set, ApplicationId=arn, StackName="say", **misspelt)
    assert code == "BadRequestException"
    assert "[CAPABILITY_IAN]" in message


def test_another_account_sees_only_applications_shared_with_it(cloud, sar, bucket):
    import boto3

    arn = sar.create_application(**application(bucket))["ApplicationId"]
    other = boto3.client(
        "serverlessrepo",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id="111111111111",
        aws_secret_access_key="x",
    )
    assert refusal(other.get_application, ApplicationId=arn)[0] == "ForbiddenException"

    share = [{"Principals": ["111111111111"], "Actions": ["Deploy"]}]
    sar.put_application_policy(ApplicationId=arn, Statements=share)
    assert other.get_application(ApplicationId=arn)["ApplicationId"] == arn
    assert refusal(other.delete_application, ApplicationId=arn)[0] == "ForbiddenException"


def test_a_public_application_has_a_licence_and_a_source(sar, bucket):
    public = [{"Principals": ["*"], "Actions": ["Deploy"]}]
    unlicensed = sar.create_application(**application(bucket, SpdxLicenseId=None))["ApplicationId"]
    licensed = sar.create_application(**application(bucket))["ApplicationId"]

    refused = refusal(sar.put_application_policy, ApplicationId=unlicensed, Statements=public)
    assert refused[0] == "BadRequestException"
    assert sar.put_application_policy(ApplicationId=licensed, Statements=public)["Statements"][0]["StatementId"]


def test_a_template_for_nesting_becomes_active(sar, bucket):
    arn = sar.create_application(**application(bucket))["ApplicationId"]
    made = sar.create_cloud_formation_template(ApplicationId=arn, SemanticVersion="0.1.0")
    found = sar.get_cloud_formation_template(ApplicationId=arn, TemplateId=made["TemplateId"])

    assert (made["Status"], found["Status"]) == ("PREPARING", "ACTIVE")


def test_a_deleted_application_is_gone(sar, bucket):
    arn = sar.create_application(**application(bucket))["ApplicationId"]
    sar.delete_application(ApplicationId=arn)

    assert refusal(sar.get_application, ApplicationId=arn)[0] == "NotFoundException"


METADATA = {
    "Name": "published-by-sam",
    "Description": "Says a word",
    "Author": "somebody",
    "SpdxLicenseId": "MIT-0",
    "SemanticVersion": "0.1.0",
}


@pytest.fixture(scope="module")
def commands(cloud, tmp_path_factory):
    with sam_command_line(cloud, tmp_path_factory.mktemp("home")) as run:
        yield run


@pytest.fixture
def sam(commands, tmp_path):
    """Runs a command of SAM's own command line in an empty folder."""

    def run(*arguments):
        status, output = commands(tmp_path, arguments)
        assert status == 0, output

    return run


def test_sam_publish_works_unchanged(cloud, sar, bucket, sam, tmp_path):
    """New, then the same again, then another version: what SAM's own publisher does."""
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="LICENSE", Body=b"as it is")
    s3.put_object(Bucket=bucket, Key="README.md", Body=b"# Say")
    about = {**METADATA, "LicenseUrl": f"s3://{bucket}/LICENSE", "ReadmeUrl": f"s3://{bucket}/README.md"}
    body = {**template(bucket), "Metadata": {"AWS::ServerlessRepo::Application": about}}
    (tmp_path / "packaged.yaml").write_text(json.dumps(body))

    for version in ("0.1.0", "0.1.0", "0.2.0"):
        sam("publish", "-t", "packaged.yaml", "--semantic-version", version)

    arn = f"arn:aws:serverlessrepo:us-east-1:{ACCOUNT}:applications/published-by-sam"
    versions = [each["SemanticVersion"] for each in sar.list_application_versions(ApplicationId=arn)["Versions"]]
    assert versions == ["0.1.0", "0.2.0"]
    assert urllib.request.urlopen(sar.get_application(ApplicationId=arn)["ReadmeUrl"]).read() == b"# Say"


def test_sam_packages_and_publishes_a_pattern(sar, bucket, sam):
    """Its template, readme and licence as they are; whoever prefers SAM's tools needs nothing of these."""
    pattern = next(each for each in discover() if not each.prerequisites)
    sam("package", "-t", pattern.template, "--s3-bucket", bucket, "--output-template-file", "packaged.yaml")
    sam("publish", "-t", "packaged.yaml")

    arn = f"arn:aws:serverlessrepo:us-east-1:{ACCOUNT}:applications/{pattern.name}"
    about = sar.get_application(ApplicationId=arn)
    assert about["Version"]["SemanticVersion"] == pattern.version
    readme, licence = (urllib.request.urlopen(about[name]).read() for name in ("ReadmeUrl", "LicenseUrl"))
    assert readme == (pattern.folder / "README.md").read_bytes()
    assert licence == (pattern.folder / "LICENSE").read_bytes()
    body = json.loads(urllib.request.urlopen(about["Version"]["TemplateUrl"]).read())
    for function in pattern.functions:
        assert body["Resources"][function.logical_id]["Properties"]["CodeUri"].startswith(f"s3://{bucket}/")
    sar.delete_application(ApplicationId=arn)


def test_artifacts_of_more_than_100_mb_together_are_refused(cloud, sar, bucket):
    s3, half = cloud.client("s3"), bytes(52_428_801)
    body = template(bucket)
    for name in ("First", "Second"):
        s3.put_object(Bucket=bucket, Key=f"{name}.zip", Body=half)
        properties = {**body["Resources"]["Say"]["Properties"], "CodeUri": f"s3://{bucket}/{name}.zip"}
        body["Resources"][name] = {"Type": "AWS::Serverless::Function", "Properties": properties}

    wanted = application(bucket, TemplateBody=json.dumps(body))
    code, message = refusal(sar.create_application, **wanted)

    assert code == "BadRequestException"
    assert "more than 104857600" in message
    assert wanted["Name"] not in str(sar.list_applications()["Applications"])
