"""A key of one's own for the resources of a pattern: who may use it, and what is said if one may not.

tests/publish/test_story.py plays every pattern's demo with such a key.
"""

import json

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.own_key import with_own_key
from blueprints.pattern import find
from blueprints.progress import Progress
from tests import small_pattern
from tests.keys_in_use import FUNCTION, STREAM, users_of
from tests.local.waiting import until


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture(scope="module")
def keyed(cloud):
    """The stack of a pattern that is up with a key of its own, as `run --own-key` brings it up, and the key's ARN."""
    progress = Progress()
    prepared = with_own_key(cloud, prepare(find("kinesis-s3-stream"), progress), progress)
    return bring_up(cloud, prepared, progress), prepared.parameters["KmsKeyArn"]


def test_the_resources_of_a_pattern_use_the_key(cloud, keyed):
    stack, key = keyed

    used = users_of(cloud, [(each.type, each.physical_id) for each in stack.resources], key)

    assert used == {FUNCTION, STREAM}  # there is no object in its bucket yet


def test_a_role_that_may_not_use_the_key_says_so(cloud, keyed):
    stack, _ = keyed
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
