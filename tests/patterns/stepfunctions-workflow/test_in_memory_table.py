"""The table of the simulations answers the ledger's calls as DynamoDB's emulation in moto does."""

import random

import pytest
from in_memory_table import InMemoryTable
from ledger import Ledger

STATES = ("requested", "approved", "expired")
CONDITIONS = (
    "",
    "#state = :before",
    "attribute_not_exists(#state) OR #state = :before",
    "attribute_not_exists(#state) OR (#state = :before AND #asked < :asked)",
)


def calls(seed):
    """Random calls of the ledger, as functions of it."""
    chance = random.Random(seed)
    for _ in range(60):
        order_id, part = chance.choice("ab"), chance.choice(("reservation", "approval"))
        state, before, asked = chance.choice(STATES), chance.choice(STATES), f"{chance.randint(0, 3):03}"
        sku, quantity = chance.choice(("chair", "table")), chance.randint(1, 4)
        condition = chance.choice(CONDITIONS)
        values = {name: value for name, value in {"before": before, "asked": asked}.items() if f":{name}" in condition}
        entry = {"state": state, "asked": asked, "lines": {sku: quantity}}
        yield chance.choice(
            [
                lambda ledger, o=order_id, p=part: ledger.read(o, p),
                lambda ledger, o=order_id, p=part, e=entry: ledger.create(o, p, e),
                lambda ledger, o=order_id, p=part, e=entry, c=condition, v=values: ledger.change(o, p, e, c, **v),
                lambda ledger, o=order_id, p=part, e=entry, s=sku, q=quantity: ledger.transact(
                    ledger.put(o, p, e), ledger.take(s, q)
                ),
                lambda ledger, o=order_id, p=part, b=before, a=state, s=sku, q=quantity: ledger.transact(
                    ledger.move(o, p, b, a), ledger.put_back(s, q)
                ),
            ]
        )


@pytest.mark.parametrize("seed", range(12))
def test_the_same_calls_give_the_same_answers_and_items(seed, dynamodb):
    table = InMemoryTable()
    stock = {"pk": {"S": "stock#chair"}, "sk": {"S": "stock"}, "available": {"N": "10"}}
    table.put_item(Item=stock)

    for call in calls(seed):
        expected, given = (call(Ledger(client, "ledger")) for client in (dynamodb, table))
        assert _without_messages(given) == _without_messages(expected)

    items = dynamodb.scan(TableName="ledger")["Items"]
    assert {(item["pk"]["S"], item["sk"]["S"]): item for item in items} == table.items


def _without_messages(answer):
    if not isinstance(answer, list):
        return answer
    return [{name: value for name, value in reason.items() if name != "Message"} for reason in answer]
