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
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from blueprints_shared.replay import DeadLetters, Failure, NotReplayed, Stack, invoke, main

STOPPED = ("FAILED", "TIMED_OUT", "ABORTED")


class Orders:
    """The orders that stopped, then those that could not be placed."""

    holds = "order"
    total = None

    def __init__(self, stack: Stack, cancel: bool) -> None:
        self._stack, self._cancel = stack, cancel
        self._states = stack.client("stepfunctions")

    def __iter__(self) -> Generator[Failure, None, None]:
        """Read both queues. Between them, list the executions that stopped, as EventBridge may rarely miss one."""
        reported = set()
        sqs, outputs = self._stack.client("sqs"), self._stack.outputs
        with closing(iter(DeadLetters(sqs, outputs["OpenOrdersUrl"], self.resume, describe))) as found:
            for letter in found:
                with suppress(NotReplayed):
                    reported.add(letter.event()["detail"]["executionArn"])
                yield letter
        for execution in self.stopped():
            if execution["executionArn"] not in reported:
                yield Stopped(self, execution)
        with closing(iter(DeadLetters(sqs, outputs["DeadLettersUrl"], self.resume, describe))) as found:
            yield from found

    def stopped(self) -> Generator[dict[str, Any], None, None]:
        """All executions that stopped, except those whose orders were cancelled since."""
        pages = self._states.get_paginator("list_executions")
        for status in STOPPED:
            for page in pages.paginate(stateMachineArn=self._stack.outputs["StateMachineArn"], statusFilter=status):
                for execution in page["executions"]:
                    if not self._is_cancelled(execution["executionArn"]):
                        yield execution

    def resume(self, event: dict[str, Any]) -> None:
        """Redrive the execution of an event, or place the order that the message is. Raises NotReplayed."""
        if event.get("source") != "aws.states":
            self._place(event)
            return
        execution = self._states.describe_execution(executionArn=event["detail"]["executionArn"])
        if execution["status"] not in STOPPED or self._is_cancelled(execution["executionArn"]):
            return  # another message, or another person, was first
        start = json.loads(execution["input"])
        if self._cancel and not start["cancel"]:
            self._place({"order_id": start["order"]["order_id"], "cancel": True})
            return
        try:
            self._states.redrive_execution(executionArn=execution["executionArn"])
        except ClientError as error:
            raise NotReplayed(f"{error}; with --cancel the order is cancelled instead") from error

    def _is_cancelled(self, execution: str) -> bool:
        """Whether an execution that cancels the order of this one has succeeded."""
        try:
            cancellation = self._states.describe_execution(executionArn=f"{execution}_cancel")
        except self._states.exceptions.ExecutionDoesNotExist:
            return False
        return bool(cancellation["status"] == "SUCCEEDED")

    def _place(self, message: dict[str, Any]) -> None:
        invoke(self._stack.client("lambda"), self._stack.outputs["PlaceFunction"], message)


@dataclass(frozen=True)
class Stopped:
    """An execution that stopped, of which no message waits."""

    orders: Orders
    execution: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the execution."""
        return str(self.execution["name"])

    def describe(self) -> str:
        """What happened to it."""
        return describe(self._event())

    def count(self) -> int:
        """One order."""
        return 1

    def replay(self) -> None:
        """Redrive it, or cancel its order. Raises NotReplayed."""
        self.orders.resume(self._event())

    def _event(self) -> dict[str, Any]:
        return {"source": "aws.states", "detail": self.execution}


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
