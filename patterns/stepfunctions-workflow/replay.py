"""Resume the orders of a stack that stopped, and place those again that could not be placed.

Once their cause is fixed: an execution that failed, timed out or was stopped is redriven, so that it goes on at the
state where it stopped, without what succeeded. With --cancel, its order is cancelled instead: shipment, payment and
stock are undone, as far as the order is not shipped. Use it if an order is not to go on, or if an execution cannot be
redriven, such as after 14 days.

Needs what tests/requirements.txt names.
"""

import argparse
import json
import sys
from collections.abc import Generator
from contextlib import closing
from typing import Any

from botocore.exceptions import ClientError

from blueprints_shared.replay import DeadLetters, Failure, NotReplayed, Stack, invoke, main


class Orders:
    """The orders that stopped, then those that could not be placed."""

    holds = "order"
    total = None

    def __init__(self, stack: Stack, cancel: bool) -> None:
        self._stack, self._cancel = stack, cancel
        self._states = stack.client("stepfunctions")
        sqs, outputs = stack.client("sqs"), stack.outputs
        self._queues = [
            DeadLetters(sqs, outputs[url], self.resume, describe) for url in ("OpenOrdersUrl", "DeadLettersUrl")
        ]

    def __iter__(self) -> Generator[Failure, None, None]:
        """Read both queues."""
        for queue in self._queues:
            with closing(iter(queue)) as found:
                yield from found

    def resume(self, event: dict[str, Any]) -> None:
        """Redrive the execution of an event, or place the order that the message is. Raises NotReplayed."""
        if event.get("source") != "aws.states":
            self._place(event)
            return
        execution = self._states.describe_execution(executionArn=event["detail"]["executionArn"])
        if execution["status"] in ("RUNNING", "PENDING_REDRIVE", "SUCCEEDED"):
            return  # it was redriven since
        start = json.loads(execution["input"])
        if self._cancel and not start["cancel"]:
            self._place({"order_id": start["order"]["order_id"], "cancel": True})
            return
        try:
            self._states.redrive_execution(executionArn=execution["executionArn"])
        except ClientError as error:
            raise NotReplayed(f"{error}; with --cancel the order is cancelled instead") from error

    def _place(self, message: dict[str, Any]) -> None:
        invoke(self._stack.client("lambda"), self._stack.outputs["PlaceFunction"], message)


def describe(event: dict[str, Any]) -> str:
    """The order, and whether it stopped or could not be placed."""
    if event.get("source") != "aws.states":
        return f"order {event.get('order_id')} is not placed"
    return f"execution {event['detail']['name']} is {event['detail']['status']}"


def orders(stack: Stack, given: argparse.Namespace) -> Orders:
    """All orders that wait for a person."""
    return Orders(stack, given.cancel)


if __name__ == "__main__":
    switches = {"cancel": "cancel the orders that stopped, instead of redriving their executions"}
    sys.exit(main(__doc__, orders, switches=switches))
