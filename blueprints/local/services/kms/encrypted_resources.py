"""Which key encrypts a queue, a topic, a stream, a table or a secret, with the encryption context of its service.

Sources: the chapters on encryption at rest in the developer guides of SQS, SNS, Kinesis, DynamoDB and Secrets Manager.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_source import service_of
from blueprints.local.services.kms.keys import scope_of
from blueprints.local.services.kms.permissions import Encryption, KeyRefused, require

QUEUE = Internal("services.sqs", "_queue_by_arn", ("arn",))
TOPIC = Internal("services.sns", "_topic_by_arn_any_scope", ("topic_arn",))
STREAMS = Internal("services.kinesis", "_streams")
TABLES = Internal("services.dynamodb", "_tables")
SECRET = Internal("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope"))

READING = ("Decrypt",)
"""What every service asks of KMS to read a record, a message or an item."""
WRITING = ("GenerateDataKey",)
"""What Kinesis and S3 ask of KMS to take a record or an object."""
SENDING = ("GenerateDataKey", "Decrypt")
"""What SQS and SNS ask of KMS to take a message."""


def encryption_of(arn: str) -> Encryption | None:
    """How the resource of an ARN is encrypted; None for one without a key of KMS.

    Queues, topics, Kinesis streams with their consumers, tables and their streams, secrets.
    """
    find = _BY_SERVICE.get(service_of(arn))
    return find(arn) if find else None


def sending_refusal(principal: Any, arn: str) -> str | None:
    """Why a principal may not use the key of the queue, topic or stream that it sends to; None if it may."""
    encryption = encryption_of(arn)
    if encryption is None:
        return None
    try:
        require(principal, encryption, *(WRITING if encryption.service == "kinesis" else SENDING))
    except KeyRefused as refused:
        return str(refused)
    return None


def of_queue(queue: dict[str, Any]) -> Encryption | None:
    """How a queue, as the base emulator keeps it, is encrypted."""
    key = queue["attributes"].get("KmsMasterKeyId")
    if not key:
        return None
    arn = queue["attributes"]["QueueArn"]
    return Encryption(key, "sqs", arn, {"aws:sqs:arn": arn})


def of_topic(topic: dict[str, Any]) -> Encryption | None:
    """How a topic, as the base emulator keeps it, is encrypted."""
    key = topic.get("attributes", {}).get("KmsMasterKeyId")
    return Encryption(key, "sns", topic["arn"], {"aws:sns:topicArn": topic["arn"]}) if key else None


def of_stream(stream: dict[str, Any]) -> Encryption | None:
    """How a Kinesis stream, as the base emulator keeps it, is encrypted."""
    if stream.get("EncryptionType") != "KMS":
        return None
    arn = stream["StreamARN"]
    return Encryption(stream.get("KeyId") or "alias/aws/kinesis", "kinesis", arn, {"aws:kinesis:arn": arn})


def of_table(table: dict[str, Any]) -> Encryption | None:
    """How a table, as the base emulator keeps it, is encrypted; None with the key that AWS owns."""
    description = table.get("SSEDescription") or {}
    if description.get("Status") != "ENABLED" or not description.get("KMSMasterKeyArn"):
        return None
    arn = table["TableArn"]
    context = {"aws:dynamodb:tableName": table["TableName"], "aws:dynamodb:subscriberId": arn.split(":")[4]}
    return Encryption(description["KMSMasterKeyArn"], "dynamodb", arn, context)


def of_secret(secret: dict[str, Any]) -> Encryption | None:
    """How a secret, as the base emulator keeps it, is encrypted; None with the key that AWS manages."""
    if not secret.get("KmsKeyId"):
        return None
    return Encryption(secret["KmsKeyId"], "secretsmanager", secret["ARN"], {"SecretARN": secret["ARN"]})


def _queue(arn: str) -> Encryption | None:
    queue = QUEUE.current()(arn)
    return of_queue(queue) if queue else None


def _topic(arn: str) -> Encryption | None:
    topic = TOPIC.current()(arn)
    return of_topic(topic) if topic else None


def _stream(arn: str) -> Encryption | None:
    with scope_of(arn):
        stream = STREAMS.current().get(arn.split(":")[5].split("/")[1])
    return of_stream(stream) if stream else None


def _table(arn: str) -> Encryption | None:
    with scope_of(arn):
        table = TABLES.current().get(arn.split(":")[5].split("/")[1])
    return of_table(table) if table else None


def _secret(arn: str) -> Encryption | None:
    with scope_of(arn):
        _, secret = SECRET.current()(arn)
    return of_secret(secret) if secret else None


_BY_SERVICE: dict[str, Callable[[str], Encryption | None]] = {
    "sqs": _queue,
    "sns": _topic,
    "kinesis": _stream,
    "dynamodb": _table,
    "secretsmanager": _secret,
}
