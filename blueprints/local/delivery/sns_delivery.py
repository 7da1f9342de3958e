"""SNS invokes functions asynchronously, where their policy allows it: retried by Lambda, and never lost in silence.

The base emulator runs a subscribed function once, with or without permission.
Sources: Amazon SNS Developer Guide, "Fanout Amazon SNS notifications to Lambda functions for automated processing" and
"Amazon SNS dead-letter queues".
"""

import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.delivery.asynchronous import AsynchronousInvocations, FunctionAsInvoked
from blueprints.local.delivery.messages import account_session, send
from blueprints.local.delivery.resource_policies import may_invoke, may_send
from blueprints.local.hooks import Hook

DELIVER_TO_LAMBDA = Hook(
    "services.sns",
    "_deliver_to_lambda",
    ("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes"),
)
TOPIC = Hook("services.sns", "_topic_by_arn_any_scope", ("topic_arn",))
HOOKS = (DELIVER_TO_LAMBDA, TOPIC)

_SNS = "sns.amazonaws.com"

log = logging.getLogger(__name__)


def install(invocations: AsynchronousInvocations, endpoint: str) -> None:
    """Take the place of the base emulator's delivery to functions."""

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
            invocations.enqueue(function_arn, {"Records": [record]})
            return
        log.error("topic %s could not deliver: %s", topic_arn, reason)
        _dead_letter(endpoint, topic_arn, subscription_arn, envelope)

    DELIVER_TO_LAMBDA.replace(deliver_to_lambda)


def _notification(envelope: str) -> dict[str, Any]:
    """A notification as functions receive it: two names are spelled another way, and nothing is left out."""
    sent = json.loads(envelope)
    spelled = {"SigningCertUrl": sent.pop("SigningCertURL"), "UnsubscribeUrl": sent.pop("UnsubscribeURL")}
    return {"Subject": None, "MessageAttributes": {}, **sent, **spelled}


def _dead_letter(endpoint: str, topic_arn: str, subscription_arn: str, envelope: str) -> None:
    """Send what could not be delivered to the subscription's dead letters, where it has any."""
    topic = TOPIC.current()(topic_arn) or {}
    subscription: dict[str, Any] = next(
        (each for each in topic.get("subscriptions", ()) if each["arn"] == subscription_arn), {}
    )
    policy = (subscription.get("attributes") or {}).get("RedrivePolicy")
    if not policy:
        return
    queue_arn = json.loads(policy)["deadLetterTargetArn"]
    account, region = topic_arn.split(":")[4], topic_arn.split(":")[3]
    if not may_send(queue_arn, _SNS, topic_arn, account):
        log.error("dead letter lost: the policy of %s does not let %s send to it", queue_arn, _SNS)
        return
    try:
        send(account_session(account, region), endpoint, queue_arn, envelope, {})
    except (BotoCoreError, ClientError) as error:
        log.error("dead letter lost: %s did not take it: %s", queue_arn, error)  # noqa: TRY400
