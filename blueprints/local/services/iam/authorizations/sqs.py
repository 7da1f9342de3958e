"""Amazon SQS: batches are authorised as their single operations, and everything on the queue.

Source: Service Authorization Reference, "Amazon SQS"; SQS Developer Guide, "Amazon SQS API permissions" and "Learn how
to configure a dead-letter queue redrive".
"""

import base64
import re

from blueprints.local.base.client_json import read_json
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, any_resource, by_operation


def _queue(call: Call) -> str:
    """By the queue's URL, in which its account is, by the path of a request of the query protocol, or by its name."""
    url = call.text("QueueUrl") or call.path
    owner, _, name = url.rstrip("/").rpartition("/")
    owner = owner.rpartition("/")[2]
    if name and re.fullmatch(r"\d{12}", owner):
        return f"arn:aws:sqs:{call.region}:{owner}:{name}"
    if call.text("QueueUrl") and name:
        return call.arn(name)
    name, owner = call.text("QueueName"), call.text("QueueOwnerAWSAccountId") or call.account
    return f"arn:aws:sqs:{call.region}:{owner}:{name}" if name else "*"


def _source(call: Call) -> str:
    return call.text("SourceArn") or "*"


def _destination(call: Call) -> str:
    return call.text("DestinationArn") or "*"


def _source_of_task(call: Call) -> str:
    """A task's handle is base64 of JSON with the ARN of its source."""
    try:
        read = read_json(base64.b64decode(call.text("TaskHandle")))
    except ValueError:
        return "*"
    return str(read.get("sourceArn", "*")) if isinstance(read, dict) else "*"


_OPERATIONS = {
    "CreateQueue": (
        Needs("CreateQueue", _queue),
        Needs("TagQueue", _queue, when=lambda call: call.has("tags", "Tags", "Tag")),
    ),
    "ListQueues": (Needs("ListQueues", any_resource),),
    "SendMessageBatch": (Needs("SendMessage", _queue),),
    "DeleteMessageBatch": (Needs("DeleteMessage", _queue),),
    "ChangeMessageVisibilityBatch": (Needs("ChangeMessageVisibility", _queue),),
    "StartMessageMoveTask": (
        *(
            Needs(action, _source)
            for action in ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        ),
        Needs("SendMessage", _destination, when=lambda call: call.has("DestinationArn")),
    ),
    "ListMessageMoveTasks": (Needs("ListMessageMoveTasks", _source),),
    "CancelMessageMoveTask": (Needs("CancelMessageMoveTask", _source_of_task),),
}

SERVICES = {"sqs": by_operation("sqs", _OPERATIONS, default=_queue)}
