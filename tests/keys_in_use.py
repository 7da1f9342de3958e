"""Which resources of a stack use a customer managed key of KMS, by what the services say about each."""

from collections.abc import Iterable
from typing import Any

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
"""The types of resources that the key encrypts once the demo was played, by pattern."""


def users_of(cloud: Any, resources: Iterable[tuple[str, str]], key: str) -> set[str]:
    """The types of the resources, given as types and physical ids, that use the key.

    No resource may use another key, and every function with environment variables has to use this one.
    """
    used = set()
    for kind, physical_id in resources:
        keys = _KEYS_OF[kind](cloud, physical_id) if kind in _KEYS_OF else set()
        if kind == FUNCTION:
            assert keys <= {key}, physical_id
        if key in keys:
            assert keys == {key}, physical_id
            used.add(kind)
    return used


def _keys_of_function(cloud: Any, name: str) -> set[Any]:
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=name)
    return {configuration.get("KMSKeyArn")} if configuration.get("Environment", {}).get("Variables") else set()


def _keys_of_bucket(cloud: Any, name: str) -> set[Any]:
    s3 = cloud.client("s3")
    objects = s3.list_objects_v2(Bucket=name).get("Contents", [])
    return {s3.head_object(Bucket=name, Key=each["Key"]).get("SSEKMSKeyId") for each in objects}


def _keys_of_stream(cloud: Any, name: str) -> set[Any]:
    return {cloud.client("kinesis").describe_stream(StreamName=name)["StreamDescription"].get("KeyId")}


def _keys_of_table(cloud: Any, name: str) -> set[Any]:
    described = cloud.client("dynamodb").describe_table(TableName=name)["Table"]
    return {described.get("SSEDescription", {}).get("KMSMasterKeyArn")}


_KEYS_OF = {FUNCTION: _keys_of_function, BUCKET: _keys_of_bucket, STREAM: _keys_of_stream, TABLE: _keys_of_table}
