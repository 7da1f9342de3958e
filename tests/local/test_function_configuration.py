"""Functions that Lambda refuses are refused here, by the API and in a template."""

import io
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from tests.local.resources import ROLE, function_resource

SOURCE = "def handler(event, context): return 'done'"
TRUSTING_EC2 = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}
WRONG = [
    ({"Environment": {"Variables": {"AWS_REGION": "eu-west-1"}}}, "reserved keys.*AWS_REGION"),
    ({"Environment": {"Variables": {"TEXT": "x" * 4096}}}, "exceeded the 4KB limit"),
    ({"Timeout": 901}, "'Timeout'"),
    ({"MemorySize": 10_241}, "'MemorySize'"),
    ({"Role": "arn:aws:iam::000000000000:role/missing"}, "cannot be assumed by Lambda"),
]


def zipped():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", SOURCE)
    return archive.getvalue()


@pytest.fixture
def settings(stack):
    """What a function is created with by the API."""
    role = stack(Role=ROLE).outputs["Role"]
    return {
        "FunctionName": f"function-{uuid.uuid4().hex[:12]}",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::000000000000:role/{role}",
        "Code": {"ZipFile": zipped()},
    }


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_the_api_refuses(cloud, settings, wrong, reason):
    functions = cloud.client("lambda")
    with pytest.raises(ClientError, match=reason):
        functions.create_function(**{**settings, **wrong})

    functions.create_function(**settings)
    with pytest.raises(ClientError, match=reason):
        functions.update_function_configuration(FunctionName=settings["FunctionName"], **wrong)
    assert cloud.invoke(settings["FunctionName"], {}).payload == "done"


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_a_template_is_refused(stack, wrong, reason):
    with pytest.raises(BlueprintError, match=reason):
        stack(Function=function_resource(SOURCE, **wrong))


def test_a_role_that_trusts_another_service_is_refused(stack):
    with pytest.raises(BlueprintError, match="cannot be assumed by Lambda"):
        stack(Role=TRUSTING_EC2, Function=function_resource(SOURCE))


def test_settings_within_the_limits_are_taken(cloud, stack):
    variables = {"_PRIVATE": "1", "TZ": "UTC", "AWS_PROFILE": "x", "TEXT": "x" * 4000}
    deployed = stack(
        Function=function_resource(SOURCE, Timeout="900", MemorySize=128, Environment={"Variables": variables})
    )

    assert cloud.invoke(deployed.outputs["Function"], {}).payload == "done"
