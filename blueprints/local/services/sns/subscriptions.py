"""SNS invokes functions asynchronously, if their policy allows it; undeliverable messages go to dead letters.

The base emulator runs a subscribed function once, with or without permission, and knows no dead letters.
Sources: Amazon SNS Developer Guide, "Fanout Amazon SNS notifications to Lambda functions for automated processing" and
"Amazon SNS dead-letter queues".
"""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.base.clients import Caller, send
from blueprints.local.base.delivery import Delivery
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import may_invoke, may_send
from blueprints.local.services.lambda_ import AsynchronousInvocations, FunctionAsInvoked
from blueprints.local.services.sns.metrics import record_dead_letter, record_delivery
from blueprints.local.services.sqs import record_sent

DELIVER_TO_LAMBDA = Internal(
    "services.sns",
    "_deliver_to_lambda",
    ("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes"),
)
DELIVER_TO_SQS = Internal(
    "services.sns",
    "_deliver_to_sqs",
    (
        "endpoint",
        "envelope",
        "raw",
        "raw_message",
        "message_group_id",
        "message_dedup_id",
        "message_attributes",
        "topic_arn",
    ),
)
TOPIC = Internal("services.sns", "_topic_by_arn_any_scope", ("topic_arn",))
QUEUE = Internal("services.sqs", "_queue_by_arn", ("arn",))

_SNS = "sns.amazonaws.com"

log = logging.getLogger(__name__)


def install(invocations: AsynchronousInvocations, endpoint: str) -> None:
    """Replace the base emulator's delivery to functions, and check the policies of queues."""
    to_sqs: Callable[..., None] = DELIVER_TO_SQS.current()

    def deliver_to_lambda(
        function_arn: str, envelope: str, topic_arn: str, subscription_arn: str, *_message: object
    ) -> None:
        if FunctionAsInvoked.named(function_arn) is None:
            reason = f"{function_arn} does not exist"
        elif not may_invoke(function_arn, _SNS, topic_arn, topic_arn.split(":")[4]):
            reason = f"the policy of {function_arn} does not allow {_SNS}"
        else:
            record = {
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription_arn,
                "EventSource": "aws:sns",
                "Sns": _notification(envelope),
            }
            invocations.enqueue(Delivery.of(function_arn, {"Records": [record]}, topic_arn))
            record_delivery(topic_arn, succeeded=True)
            return
        record_delivery(topic_arn, succeeded=False)
        _dead_letter(endpoint, topic_arn, function_arn, envelope, reason)

    def deliver_to_sqs(
        queue_arn: str, envelope: str, raw: bool, raw_message: str, *, topic_arn: str = "", **message: Any
    ) -> None:
        if QUEUE.current()(queue_arn) is None:
            reason = f"{queue_arn} does not exist"
        elif not may_send(queue_arn, _SNS, topic_arn, topic_arn.split(":")[4]):
            reason = f"the policy of {queue_arn} does not allow {_SNS}"
        else:
            to_sqs(queue_arn, envelope, raw, raw_message, topic_arn=topic_arn, **message)
            record_sent(queue_arn, raw_message if raw else envelope)
            record_delivery(topic_arn, succeeded=True)
            return
        record_delivery(topic_arn, succeeded=False)
        # Publishing runs on the emulator's own event loop, which could not answer the request it waits for.
        given = (endpoint, topic_arn, queue_arn, raw_message if raw else envelope, reason)
        threading.Thread(target=_dead_letter, args=given, name="dead-letter", daemon=True).start()

    DELIVER_TO_LAMBDA.replace(deliver_to_lambda)
    DELIVER_TO_SQS.replace(deliver_to_sqs)


def _notification(envelope: str) -> dict[str, Any]:
    """A notification as functions receive it: two names are spelled differently, and no field is left out."""
    sent = json.loads(envelope)
    spelled = {"SigningCertUrl": sent.pop("SigningCertURL"), "UnsubscribeUrl": sent.pop("UnsubscribeURL")}
    return {"Subject": None, "MessageAttributes": {}, **sent, **spelled}


def _dead_letter(endpoint: str, topic_arn: str, subscriber_arn: str, body: str, reason: str) -> None:
    """Send an undeliverable message to the subscription's dead-letter queue, if it has one."""
    log.error("topic %s could not deliver: %s", topic_arn, reason)
    topic = TOPIC.current()(topic_arn) or {}
    subscription: dict[str, Any] = next(
        (each for each in topic.get("subscriptions", ()) if each["endpoint"] == subscriber_arn), {}
    )
    policy = (subscription.get("attributes") or {}).get("RedrivePolicy")
    if not policy:
        return
    queue_arn = json.loads(policy)["deadLetterTargetArn"]
    account, region = topic_arn.split(":")[4], topic_arn.split(":")[3]
    if not may_send(queue_arn, _SNS, topic_arn, account):
        log.error("dead letter lost: the policy of %s does not let %s send to it", queue_arn, _SNS)
        record_dead_letter(topic_arn, sent=False)
        return
    try:
        send(Caller.owner(account, region, endpoint), queue_arn, body, {})
    except (BotoCoreError, ClientError) as error:
        log.error("dead letter lost: %s did not take it: %s", queue_arn, error)  # noqa: TRY400
        record_dead_letter(topic_arn, sent=False)
    else:
        record_dead_letter(topic_arn, sent=True)
