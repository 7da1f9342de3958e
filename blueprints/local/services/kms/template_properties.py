"""Keeps the keys that templates give to buckets, streams and topics; the base emulator forgets them.

A table's property has another name in templates than in the API.
"""

import json
from typing import Any
from xml.sax.saxutils import escape

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Made, Properties, ResourceFailed, wrap
from blueprints.local.services.kms.dynamodb import DESCRIBE_KEY, TABLES, setup_refusal
from blueprints.local.services.kms.encrypted_resources import of_stream
from blueprints.local.services.kms.permissions import KeyRefused, require_caller

BUCKET_ENCRYPTION = Internal("services.s3", "_bucket_encryption")
STREAMS = Internal("services.kinesis", "_streams")
TOPICS = Internal("services.sns", "_topics")

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def install() -> None:
    """Complete what the provisioners of the base emulator make."""
    wrap("AWS::S3::Bucket", create=_creating(_keep_bucket), update=_updating(_keep_bucket))
    wrap("AWS::Kinesis::Stream", create=_creating(_keep_stream), update=_updating(_keep_stream))
    wrap("AWS::SNS::Topic", create=_creating(_keep_topic), update=_updating(_keep_topic))
    wrap("AWS::DynamoDB::Table", create=_creating_table, update=_updating_table)


def _creating(keep: Any) -> Any:
    def wrapper(create: Handler) -> Handler:
        def creating(logical_id: str, props: Properties, *rest: Any) -> Made:
            physical_id, attributes = create(logical_id, props, *rest)
            keep(physical_id, props)
            return physical_id, attributes

        return creating

    return wrapper


def _updating(keep: Any) -> Any:
    def wrapper(update: Handler) -> Handler:
        def updating(physical_id: str, old: Properties, new: Properties, *rest: Any, **options: Any) -> Made:
            updated_id, attributes = update(physical_id, old, new, *rest, **options)
            keep(updated_id, new)
            return updated_id, attributes

        return updating

    return wrapper


def _keep_bucket(name: str, props: Properties) -> None:
    rules = (props.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration") or []
    if not rules:
        BUCKET_ENCRYPTION.current().pop(name, None)
        return
    BUCKET_ENCRYPTION.current()[name] = (
        f'<ServerSideEncryptionConfiguration xmlns="{_NAMESPACE}">{"".join(map(_rule, rules))}'
        "</ServerSideEncryptionConfiguration>"
    )


def _rule(rule: Properties) -> str:
    """A rule of a template, as PutBucketEncryption takes it."""
    default = rule.get("ServerSideEncryptionByDefault") or {}
    key = default.get("KMSMasterKeyID")
    named = f"<KMSMasterKeyID>{escape(str(key))}</KMSMasterKeyID>" if key else ""
    algorithm = escape(str(default.get("SSEAlgorithm") or "AES256"))
    bucket_key = str(rule.get("BucketKeyEnabled") or False).lower()
    return (
        f"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>{named}"
        f"</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></Rule>"
    )


def _keep_stream(name: str, props: Properties) -> None:
    stream, given = STREAMS.current()[name], props.get("StreamEncryption") or {}
    if given.get("EncryptionType") != "KMS":
        stream["EncryptionType"] = "NONE"
        stream.pop("KeyId", None)
        return
    stream.update(EncryptionType="KMS", KeyId=given.get("KeyId") or "alias/aws/kinesis")
    encryption = of_stream(stream)
    assert encryption
    try:
        require_caller(encryption, "GenerateDataKey")
    except KeyRefused as refused:
        raise ResourceFailed(str(refused)) from None


def _keep_topic(arn: str, props: Properties) -> None:
    attributes = TOPICS.current()[arn]["attributes"]
    if props.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = props["KmsMasterKeyId"]
    else:
        attributes.pop("KmsMasterKeyId", None)


def _creating_table(create: Handler) -> Handler:
    def creating(logical_id: str, props: Properties, *rest: Any) -> Made:
        given = _with_enabled(props).get("SSESpecification")
        refused = setup_refusal({"TableName": props.get("TableName") or "*", "SSESpecification": given})
        if refused:
            raise ResourceFailed(json.loads(refused[2])["message"])
        name, attributes = create(logical_id, props, *rest)
        TABLES.current()[name]["SSEDescription"] = DESCRIBE_KEY.current()(given)
        return name, attributes

    return creating


def _updating_table(update: Handler) -> Handler:
    def updating(physical_id: str, old: Properties, new: Properties, *rest: Any, **options: Any) -> Made:
        made: Made = update(physical_id, _with_enabled(old), _with_enabled(new), *rest, **options)
        return made

    return updating


def _with_enabled(props: Properties) -> Properties:
    """The properties with the API's name for SSEEnabled."""
    given = props.get("SSESpecification")
    if not given or "SSEEnabled" not in given:
        return props
    enabled = str(given["SSEEnabled"]).lower() == "true"
    return {**props, "SSESpecification": {**given, "Enabled": enabled}}
