"""Publishes a message about a pipeline run that ended, or that waits for approval, to the SNS topic."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from run_history import RunHistory
from run_message import PROBE, compose_message

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The function's environment variables."""

    topic_arn: str


logger = Logger()
metrics = Metrics()
settings = load(Settings)
clients = cache(client)  # created once, on first use: a message about a success needs two of the four
history = RunHistory(clients)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Publish the message about one event of EventBridge; a repeated event publishes it again, with the same run id."""
    message = compose_message(event, history)
    sent = event["source"] != PROBE
    if sent:
        clients("sns").publish(TopicArn=settings.topic_arn, Subject=message.subject, Message=message.body)
    metrics.add_metric("MessagesSent", MetricUnit.Count, int(sent))
    logger.info("sent" if sent else "probed", extra={"subject": message.subject})
    return {"subject": message.subject, "body": message.body, "sent": sent}
