"""Places six orders, each of which ends in its own way, and checks that the ledger balances.

blueprints play . --stack NAME
"""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

IN_STOCK, QUANTITY = 100, 3
PATIENCE = 240  # seconds; on AWS, the retries of an order take a minute or two

# For each order: whether it needs an approval, the decision on it, how the sample payment provider and carrier behave
# (see src/sandbox.py), and its end.
STORIES: dict[str, dict[str, Any]] = {
    "small": {"ends": "shipped"},
    "payment-declined": {"payment-provider": "card declined", "ends": "cancelled"},
    "carrier-down": {"carrier": "down", "ends": "cancelled"},
    "approved": {"decision": "approve", "ends": "shipped"},
    "rejected": {"decision": "reject", "ends": "cancelled"},
    "refund-fails": {"decision": "approve", "carrier": "no such address", "ends": "cancelled"},
}
PARTS = {"reservation": "reserved", "payment": "charged", "shipment": "shipped"}


class WrongResult(Exception):
    """The ledger does not balance, or an order ended in another way than it should."""


def run(stack: Any) -> dict[str, Any]:
    """Place orders, decide on the large ones, redrive one that fails, and read the ledger. Raises WrongResult."""
    shop = Shop(stack)
    with stack.step(f"Put {IN_STOCK} articles into stock, and send {len(shop.stories)} orders to the queue"):
        shop.stock_up()
        for story in shop.stories:
            shop.place(story)
    if "approved" in shop.stories:
        with stack.step("Approve two of the large orders, and reject the third"):
            shop.wait_for_requests()
            shop.behave("refund-fails", "payment-provider", "broken")
            for story in ("approved", "rejected", "refund-fails"):
                shop.decide(story)
        with stack.step("See a compensation fail, repair the payment provider, and redrive the order"):
            shop.wait("refund-fails", "FAILED")
            shop.behave("refund-fails", "payment-provider", "as usual")
            shop.redrive("refund-fails")
    with stack.step("Wait for the ends of all orders"):
        orders = [shop.end(story) for story in shop.stories]
    with stack.step("Check that stock, payments and shipments balance"):
        result = {"balance": balance(orders, shop.in_stock()), "orders": orders}
    (stack.folder / "ledger.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def balance(orders: list[dict[str, Any]], in_stock: int) -> dict[str, int]:
    """Add up what is in stock, shipped and charged. Raises WrongResult if an order is done in part."""
    for order in orders:
        done = [order[part] == state for part, state in PARTS.items()]
        if any(done) != all(done) or all(done) != (order["status"] == "shipped"):
            raise WrongResult(f"an order was done in part: {order}")
        if order["status"] != STORIES[order["order"]]["ends"]:
            raise WrongResult(f"an order ended in another way than it should: {order}")
    shipped = QUANTITY * sum(order["status"] == "shipped" for order in orders)
    if in_stock + shipped != IN_STOCK:
        raise WrongResult(f"{in_stock} in stock and {shipped} shipped are not the {IN_STOCK} there were")
    return {"in_stock": in_stock, "shipped": shipped, "charged": sum(order["charged"] for order in orders)}


class Shop:
    """Sends orders to the stack, and reads what came of them. All of one demo have names of their own."""

    def __init__(self, stack: Any) -> None:
        self._outputs = stack.outputs
        self._sqs, self._functions = stack.client("sqs"), stack.client("lambda")
        self._dynamodb, self._states = stack.client("dynamodb"), stack.client("stepfunctions")
        self._run = uuid.uuid4().hex[:8]
        limit = self._outputs["ApprovalLimit"]
        self._limit = None if limit == "none" else int(limit)
        self.stories = [name for name, story in STORIES.items() if self._limit is not None or "decision" not in story]

    def stock_up(self) -> None:
        """Put the articles of the demo into stock."""
        item = {"pk": {"S": f"stock#demo-{self._run}"}, "sk": {"S": "stock"}, "available": {"N": str(IN_STOCK)}}
        self._dynamodb.put_item(TableName=self._outputs["TableName"], Item=item)

    def in_stock(self) -> int:
        """How many articles are in stock."""
        return int(self._item(f"stock#demo-{self._run}", "stock")["available"]["N"])

    def behave(self, story: str, party: str, behaviour: str) -> None:
        """Tell the sample payment provider or carrier how to behave for an order."""
        item = {**self._key(story, f"sandbox#{party}"), "state": {"S": behaviour}}
        self._dynamodb.put_item(TableName=self._outputs["TableName"], Item=item)

    def place(self, story: str) -> None:
        """Send an order to the queue."""
        for party in ("payment-provider", "carrier"):
            if party in STORIES[story]:
                self.behave(story, party, STORIES[story][party])
        order = {
            "order_id": self.order_id(story),
            "lines": [{"sku": f"demo-{self._run}", "quantity": QUANTITY}],
            "amount": self._amount(story),
            "payment_method": "card-4242",
            "ship_to": "1 Example Street, 10115 Berlin",
        }
        self._sqs.send_message(QueueUrl=self._outputs["OrdersUrl"], MessageBody=json.dumps(order))

    def wait_for_requests(self) -> None:
        """Wait until the approvals of all large orders are requested."""
        for story in self.stories:
            if "decision" in STORIES[story]:
                key = self._key(story, "approval")
                self._until(
                    lambda key=key: self._item(key["pk"]["S"], key["sk"]["S"]), f"{story} was not to be approved"
                )

    def decide(self, story: str) -> None:
        """Approve or reject an order, as a person does. Raises WrongResult if the decision does not hold."""
        event = {"order_id": self.order_id(story), "decision": STORIES[story]["decision"], "by": "demo"}
        answer = self._functions.invoke(FunctionName=self._outputs["DecideFunction"], Payload=json.dumps(event))
        made = json.loads(answer["Payload"].read())
        if not made.get("changed"):
            raise WrongResult(f"the decision on {event['order_id']} was not taken: {made}")

    def wait(self, story: str, *statuses: str) -> dict[str, Any]:
        """The execution of an order, once it has one of these statuses. Raises WrongResult if it takes too long."""

        def execution() -> dict[str, Any] | None:
            try:
                found: dict[str, Any] = self._states.describe_execution(executionArn=self._execution(story))
            except self._states.exceptions.ExecutionDoesNotExist:
                return None
            return found if found["status"] in statuses else None

        return self._until(execution, f"the execution of {story} is not {' or '.join(statuses)}")

    def redrive(self, story: str) -> None:
        """Let the execution of an order go on; replay.py does this for all that stopped."""
        self._states.redrive_execution(executionArn=self._execution(story))

    def end(self, story: str) -> dict[str, Any]:
        """How an order ended, and what the ledger has of it."""
        output = json.loads(self.wait(story, "SUCCEEDED")["output"])
        entries = {part: self._item(f"order#{self.order_id(story)}", part) for part in (*PARTS, "approval")}
        states = {part: entry["state"]["S"] if entry else None for part, entry in entries.items()}
        charged = int(entries["payment"]["amount"]["N"]) if states["payment"] == "charged" else 0
        if charged not in (0, self._amount(story)):
            raise WrongResult(f"{charged} was charged for {story}, which costs {self._amount(story)}")
        return {
            "order": story,
            "status": output["status"],
            "reason": output.get("reason"),
            **states,
            "charged": charged,
        }

    def order_id(self, story: str) -> str:
        """The id of an order, which is also the name of its execution."""
        return f"demo-{self._run}-{story}"

    def _amount(self, story: str) -> int:
        if self._limit is None:
            return 19_900
        return self._limit + 1 if "decision" in STORIES[story] else min(self._limit, 19_900)

    def _execution(self, story: str) -> str:
        return f"{self._outputs['StateMachineArn'].replace(':stateMachine:', ':execution:')}:{self.order_id(story)}"

    def _key(self, story: str, part: str) -> dict[str, Any]:
        return {"pk": {"S": f"order#{self.order_id(story)}"}, "sk": {"S": part}}

    def _item(self, pk: str, sk: str) -> dict[str, Any]:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = self._dynamodb.get_item(TableName=self._outputs["TableName"], Key=key, ConsistentRead=True)
        return dict(answer.get("Item", {}))

    def _until(self, look: Callable[[], Any], otherwise: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            if time.monotonic() > deadline:
                raise WrongResult(
                    f"{otherwise} after {PATIENCE} s. Look at its history, the logs ({self._outputs['LogGroup']}), "
                    f"and the dead letters ({self._outputs['DeadLettersUrl']})."
                )
            time.sleep(0.2)
        return found
