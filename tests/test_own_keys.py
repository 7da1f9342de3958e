"""The demo of every pattern's copy plays with a key of one's own, which the resources really use.

The copies have another name, no tests, and another Environment than the patterns' own demos (tests/test_patterns.py).
"""

import json
import shutil

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.copying import copy
from blueprints.demo import DemoStack, demo_module
from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.own_key import check_takes_a_key, with_own_key
from blueprints.pattern import Pattern, discover, find
from blueprints.progress import Progress
from blueprints.rehearsals.settings import read_settings
from tests import small_pattern
from tests.local.waiting import until

PATTERNS = [pattern.name for pattern in discover()]
FUNCTION, BUCKET = "AWS::Lambda::Function", "AWS::S3::Bucket"
STREAM, TABLE = "AWS::Kinesis::Stream", "AWS::DynamoDB::Table"
USED = {
    "appsync-mobile": {FUNCTION, TABLE},
    "auto-publish": {FUNCTION, BUCKET},
    "dynamodb-stream-trigger": {FUNCTION, TABLE, BUCKET},
    "glue-data-lake": {FUNCTION},
    "kinesis-s3-stream": {FUNCTION, STREAM, BUCKET},
    "s3-image-processing": {FUNCTION},
    "stepfunctions-etl": {FUNCTION},
    "stepfunctions-workflow": {FUNCTION},
}
"""The types of resources that the key encrypts, by pattern."""


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture(scope="module")
def stack_of(cloud, tmp_path_factory):
    """Brings a pattern's copy up as `run --own-key` does, once; returns the copy, the stack and the key's ARN."""
    made = {}

    def bring(name):
        if name not in made:
            folder = copy(find(name), tmp_path_factory.mktemp("mine") / f"{name}-of-mine").folder
            shutil.rmtree(folder / "tests")
            settings = read_settings(folder)
            settings.write_demo(folder)
            copied = Pattern.load(folder)
            check_takes_a_key(copied)
            prepared = prepare(copied, Progress(), {"Environment": "prod", **settings.parameters})
            keyed = with_own_key(cloud, prepared, Progress())
            made[name] = copied, bring_up(cloud, keyed, Progress()), keyed.parameters["KmsKeyArn"]
        return made[name]

    return bring


@pytest.mark.parametrize("name", PATTERNS)
def test_a_demo_plays_with_a_key_of_ones_own(cloud, stack_of, name, tmp_path):
    copied, stack, key = stack_of(name)
    result = demo_module(copied).run(DemoStack(stack.outputs, cloud.client, None, tmp_path, Progress().step))

    assert result
    assert users_of(cloud, stack, key) == USED[name]


def users_of(cloud, stack, key):
    """The types of a stack's resources that use the key; every function with variables has to."""
    used = set()
    for each in stack.resources:
        keys = KEYS_OF[each.type](cloud, each.physical_id) if each.type in KEYS_OF else set()
        if each.type == FUNCTION:
            assert keys <= {key}, each.logical_id
        if key in keys:
            assert keys == {key}, each.logical_id
            used.add(each.type)
    return used


def keys_of_function(cloud, name):
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=name)
    return {configuration.get("KMSKeyArn")} if configuration.get("Environment", {}).get("Variables") else set()


def keys_of_bucket(cloud, name):
    s3 = cloud.client("s3")
    objects = s3.list_objects_v2(Bucket=name).get("Contents", [])
    return {s3.head_object(Bucket=name, Key=each["Key"]).get("SSEKMSKeyId") for each in objects}


def keys_of_stream(cloud, name):
    return {cloud.client("kinesis").describe_stream(StreamName=name)["StreamDescription"].get("KeyId")}


def keys_of_table(cloud, name):
    described = cloud.client("dynamodb").describe_table(TableName=name)["Table"]
    return {described.get("SSEDescription", {}).get("KMSMasterKeyArn")}


KEYS_OF = {FUNCTION: keys_of_function, BUCKET: keys_of_bucket, STREAM: keys_of_stream, TABLE: keys_of_table}


def test_a_role_that_may_not_use_the_key_says_so(cloud, stack_of):
    _, stack, _ = stack_of("kinesis-s3-stream")
    iam, lambda_ = cloud.client("iam"), cloud.client("lambda")
    for role in (each.physical_id for each in stack.resources if each.type == "AWS::IAM::Role"):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            kept = [each for each in document["Statement"] if "kms:" not in json.dumps(each["Action"])]
            if len(kept) < len(document["Statement"]):
                iam.delete_role_policy(RoleName=role, PolicyName=policy)
            if 0 < len(kept) < len(document["Statement"]):
                left = json.dumps({**document, "Statement": kept})
                iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=left)
    (stream,) = (each.physical_id for each in stack.resources if each.type == STREAM)
    cloud.client("kinesis").put_record(StreamName=stream, Data=b'{"event_id": "1"}', PartitionKey="1")
    (mapping,) = lambda_.list_event_source_mappings(
        EventSourceArn=cloud.client("kinesis").describe_stream(StreamName=stream)["StreamDescription"]["StreamARN"]
    )["EventSourceMappings"]

    def problem():
        found = lambda_.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"]
        return found if "kms:Decrypt" in found else ""

    assert "is not authorized to perform: kms:Decrypt on resource" in until(problem)


def test_a_stack_is_not_deployed_with_a_key_that_lets_nobody_in(cloud):
    shut = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "backup.amazonaws.com"},
            "Action": "kms:*",
            "Resource": "*",
        }
    }
    policy = json.dumps(shut)
    key = cloud.client("kms").create_key(Policy=policy, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    encryption = {"EncryptionType": "KMS", "KeyId": key}
    stream = {"Type": STREAM, "Properties": {"ShardCount": 1, "StreamEncryption": encryption}}

    with pytest.raises(BlueprintError, match=r"not authorized to perform: kms:GenerateDataKey.*no resource-based"):
        deploy(cloud, "shut", json.dumps({"Resources": {"Stream": stream}}))


def test_a_pattern_without_the_parameter_is_refused_before_it_is_deployed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pattern = small_pattern.write(tmp_path / "greeting")

    ended = CliRunner().invoke(main, ["run", str(pattern), "--own-key"])

    assert ended.exit_code == 1
    assert "greeting has no parameter KmsKeyArn" in ended.stderr
    assert "Deploy" not in ended.output
