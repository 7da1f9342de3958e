"""Sends discarded batches to the mapping's on-failure destination, with the permissions of the execution role.

Source: AWS Lambda Developer Guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda":
a role needs sqs:SendMessage, sns:Publish, or s3:PutObject with s3:ListBucket.
"""

import json
import logging
import time

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.counting import counted
from blueprints.local.base.clients import queue_url
from blueprints.local.base.stream_records import Batch
from blueprints.local.base.stream_source import service_of
from blueprints.local.services.lambda_ import metrics
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.failure_records import (
    failure_record,
    object_key,
    with_payload,
)
from blueprints.local.services.lambda_.event_source_mappings.mapping import ReadsStream

_DELIVERED = "OnFailureDestinationDeliveredEventCount"

log = logging.getLogger(__name__)


def discard(mapping: ReadsStream, endpoint: str, shard_id: str, batch: Batch, condition: str) -> None:
    """Send the batch's record to the destination. If that fails, log it: the record is lost, as on AWS."""
    first, last = batch.records[0].identifier, batch.records[-1].identifier
    what = (
        f"{counted(len(batch.records), 'record')} of {mapping.source.arn}, {shard_id}, {first} to {last} ({condition})"
    )
    destination = ((mapping.stored.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not destination:
        log.warning("%s discarded %s: it has no on-failure destination", mapping.function_arn, what)
        return
    try:
        _deliver(mapping, endpoint, destination, shard_id, batch, condition)
        metrics.record_of_mapping(mapping.function_arn, mapping.stored["UUID"], _DELIVERED, len(batch.records))
    except (BotoCoreError, ClientError, ValueError) as error:
        function = FunctionAsInvoked.named(mapping.function_arn)
        if function is not None:
            metrics.record_value(function.record["config"], "DestinationDeliveryFailures", 1.0)
        log.error("destination %s of %s did not take %s: %s", destination, mapping.function_arn, what, error)  # noqa: TRY400


def _deliver(
    mapping: ReadsStream, endpoint: str, destination: str, shard_id: str, batch: Batch, condition: str
) -> None:
    function = FunctionAsInvoked.named(mapping.function_arn)
    if function is None:
        raise ValueError("the function is gone")
    now = time.time()
    record = failure_record(
        batch,
        condition=condition,
        function_arn=mapping.function_arn,
        batch_info=mapping.source.batch_info,
        shard_id=shard_id,
        stream_arn=mapping.source.arn,
        now=now,
    )
    service = service_of(destination)
    client = function.role(endpoint).client(service, seconds=30)
    if service == "s3":
        bucket, key = destination.split(":::", 1)[1], object_key(mapping.stored["UUID"], shard_id, now)
        client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)  # needs the second permission
        body = json.dumps(with_payload(record, batch)).encode()
        client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    elif service == "sns":
        client.publish(TopicArn=destination, Message=json.dumps(record))
    else:
        client.send_message(QueueUrl=queue_url(endpoint, destination), MessageBody=json.dumps(record))
