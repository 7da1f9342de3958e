"""Orders arrive in the queue: start the state machine, once for each order id."""

import json
from dataclasses import dataclass
from typing import Any

from order import CANCEL, InvalidOrder, parse

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets; `state_machine_arn` is the ARN of the machine's alias."""

    state_machine_arn: str
    dead_letters_url: str


logger = Logger()
metrics = Metrics()
settings = load(Settings)
states = client("stepfunctions", connect_timeout=1, read_timeout=5, attempts=2)
sqs = client("sqs", connect_timeout=1, read_timeout=5, attempts=2)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Place the orders of a batch, or the one order that a caller passes without a queue.

    A caller gets what `place` returns, or an error; for a batch, the messages that SQS has to deliver again.
    """
    if "Records" not in event:
        return place(event)
    failed = [record for record in event["Records"] if not _is_settled(record)]
    if failed and len(failed) == len(event["Records"]):
        raise RuntimeError("no order of the batch could be placed")  # so that the alarm on errors sees it
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def place(message: Any) -> dict[str, Any]:
    """Start the execution of an order, or of its cancellation, unless it was started before. Raises InvalidOrder."""
    start = parse(message)
    order_id = start["order"]["order_id"]
    name = order_id + CANCEL * start["cancel"]
    try:
        answer = states.start_execution(
            stateMachineArn=settings.state_machine_arn, name=name, input=json.dumps(start, sort_keys=True)
        )
    except states.exceptions.ExecutionAlreadyExists:
        execution = _execution_arn(name)
        if json.loads(states.describe_execution(executionArn=execution)["input"]) != start:
            raise InvalidOrder(f"order {order_id} was placed before, with another content") from None
        return {"order_id": order_id, "outcome": "placed before", "execution": execution}
    metrics.add_metric("OrdersPlaced", MetricUnit.Count, 1)
    return {"order_id": order_id, "outcome": "placed", "execution": answer["executionArn"]}


def _is_settled(record: dict[str, Any]) -> bool:
    """Place one order, or set it aside if it is invalid. False if SQS has to deliver it again."""
    try:
        try:
            placed = place(_content(record["body"]))
        except InvalidOrder as error:
            _set_aside(record["body"], str(error))
            logger.warning("set aside", extra={"message_id": record["messageId"], "reason": str(error)})
        else:
            logger.info("placed", extra=placed)
    except Exception:
        logger.exception("not placed; SQS delivers it again", extra={"message_id": record["messageId"]})
        return False
    return True


def _content(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidOrder("it is not JSON") from None


def _set_aside(body: str, reason: str) -> None:
    reasons = {"ERROR_CODE": "InvalidOrder", "ERROR_MESSAGE": reason}
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in reasons.items()}
    sqs.send_message(QueueUrl=settings.dead_letters_url, MessageBody=body, MessageAttributes=attributes)
    metrics.add_metric("OrdersRejected", MetricUnit.Count, 1)


def _execution_arn(name: str) -> str:
    machine = settings.state_machine_arn.rpartition(":")[0]  # without the alias
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
