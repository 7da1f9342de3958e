"""The pipeline ran, or waits for somebody: write what happened to the topic."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from run_history import RunHistory
from run_story import PROBE, Message, message_of

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template passes as environment variables."""

    topic_arn: str


logger = Logger()
metrics = Metrics()
settings = load(Settings)
clients = cache(client)  # each once, and only when it is needed: of four, a success takes two
history = RunHistory(clients)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Tell of one event that EventBridge delivers; delivered twice, it is told twice, with the run's id in both."""
    message = message_of(event, history)
    sent = event["source"] != PROBE
    if sent:
        send(clients("sns"), settings.topic_arn, message)
    metrics.add_metric("MessagesSent", MetricUnit.Count, int(sent))
    logger.info("told" if sent else "probed", extra={"subject": message.subject})
    return {"subject": message.subject, "body": message.body, "sent": sent}


def send(sns: Any, topic_arn: str, message: Message) -> None:
    """Put a message on the topic."""
    sns.publish(TopicArn=topic_arn, Subject=message.subject, Message=message.body)
