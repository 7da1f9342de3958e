"""CodeDeploy hook after new versions got all traffic: does an order still come through the queue to its end?"""

import json
from dataclasses import dataclass
from typing import Any

from deployment_probe import check_cancelled, order_for, remove

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets."""

    orders_url: str
    state_machine_arn: str
    table: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send an order as users do, and wait until it is refused and cancelled."""

    def check(time_left: deployment_hooks.TimeLeft) -> None:
        settings = load(Settings)
        order_id = f"_check-{event['DeploymentId']}"
        execution = f"{settings.state_machine_arn.replace(':stateMachine:', ':execution:')}:{order_id}"
        client("sqs").send_message(QueueUrl=settings.orders_url, MessageBody=json.dumps(order_for(order_id)))
        try:
            check_cancelled(client("stepfunctions"), execution, time_left)
        finally:
            remove(client("dynamodb"), settings.table, order_id)

    return deployment_hooks.answer(event, context, check, logger)
