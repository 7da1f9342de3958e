"""Random schedules of customers, an approver, an operator, and of faults in every part of the order system."""

import asyncio
import random
from dataclasses import dataclass, replace
from typing import Any

import virtual_time
from botocore.exceptions import ClientError, ReadTimeoutError
from order_system import APPROVAL_SECONDS, LIMIT, Fault, Killed, OrderSystem

STATES = (
    "ReserveStock",
    "TakePayment",
    "RequestApproval",
    "SettleApproval",
    "ShipOrder",
    "CancelShipment",
    "RefundPayment",
    "ReleaseStock",
)
FORWARD = ("ReserveStock", "TakePayment", "ShipOrder")
DONE = {"reservation": "reserved", "payment": "charged", "shipment": "shipped"}
ARTICLES = ("chair", "table")
LATE = ("comes late", "comes twice", "a late call gets in between")
BROKEN = ("throttled", "bug", "bug in the middle")
REDRIVES = 4  # after so many, the operator cancels what still stops
DAY = 86_400


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Call")


@dataclass
class Trouble:
    """A fault of one order's state: at its attempts from `first`, `count` of them."""

    state: str
    order_id: str
    first: int
    count: int
    kind: str
    fault: Fault

    @property
    def is_retried(self) -> bool:
        """Whether the order is to go on as if nothing had happened."""
        ends_waiting = ("hangs", "comes late", "heartbeat lost") if self.state == "RequestApproval" else ()
        return self.count == 1 and self.kind not in ("bug", "bug in the middle", *ends_waiting)


class Schedule:
    """One or two orders for scarce articles. What goes wrong is chosen by the seed.

    `troubles`: the most faults of tasks; `kinds` and `states`: what they may be, and where; `lasting`: whether they may
    go on until the operator mends them. `interruptions`: whether executions are killed or time out. `calm`: there is
    one order, and nobody refuses it.
    """

    def __init__(
        self,
        seed: int,
        *,
        troubles: int,
        kinds: tuple[str, ...] = (),
        states: tuple[str, ...] = STATES,
        lasting: bool = True,
        interruptions: bool = False,
        calm: bool = False,
    ) -> None:
        self.random = random.Random(seed)
        self.kinds, self.states, self.lasting, self.calm = kinds, states, lasting, calm
        self.orders = [self._order(name) for name in ("a", "b")[: 1 if calm else self.random.choice((1, 1, 2))]]
        ids = [order["order_id"] for order in self.orders]
        self.behaviour = {
            (order_id, party): self._behaviour(party) for order_id in ids for party in ("payment-provider", "carrier")
        }
        self.decisions = {order_id: self._decisions() for order_id in ids}
        self.troubles = [self._trouble(ids) for _ in range(self.random.randint(0, troubles))]
        self.troubles_at_first = list(self.troubles)
        self.start_faults = [self.random.choice(("before", "after")) for _ in range(self.random.choice((0, 0, 1, 6)))]
        self.kills = [self._moment() for _ in range(self.random.randint(0, 3))] if interruptions else []
        self.times_out = interruptions and self.random.random() < 0.3
        self.cancellation = self._moment() if not calm and self.random.random() < 0.15 else None
        self.attempts: dict[tuple[str, str], int] = {}
        self.told: dict[str, list[dict[str, Any]]] = {order_id: [] for order_id in ids}
        self.too_late: list[str] = []

    # --- what is chosen -----------------------------------------------------------------------------------------------

    def _order(self, order_id: str) -> dict[str, Any]:
        wanted = self.random.sample(ARTICLES, self.random.randint(1, 2))
        return {
            "order_id": order_id,
            "lines": [{"sku": sku, "quantity": self.random.randint(1, 3)} for sku in wanted],
            "amount": self.random.choice((10, LIMIT, LIMIT + 1, 500)),
            "payment_method": "card",
            "ship_to": "somewhere",
        }

    def _behaviour(self, party: str) -> str:
        return "as usual" if self.calm else self.random.choice(("as usual",) * 5 + ("refuses", "down"))

    def _decisions(self) -> list[tuple[float, str]]:
        """When the approver decides, after the request, and how; maybe twice, too late, or not at all."""
        if self.calm:
            return [(3600, "approve")]
        count = self.random.choice((0, 1, 1, 1, 1, 2))
        moments = (self.random.choice((60, 3600, APPROVAL_SECONDS - 1, APPROVAL_SECONDS + 5)) for _ in range(count))
        return [(moment, self.random.choice(("approve", "approve", "reject"))) for moment in moments]

    def _moment(self) -> float:
        """Most orders end within seconds, if nobody has to approve them."""
        return self.random.choice((self.random.uniform(0, 2), self.random.uniform(0, 60), self.random.uniform(0, DAY)))

    def _trouble(self, ids: list[str]) -> Trouble:
        faults = self._faults()
        kind = self.random.choice(self.kinds or tuple(faults))
        first = self.random.choice((0, 0, 0, 1, 2))
        count = self.random.choice((1, 1, 2, 10**6, 10**6)) if self.lasting else 1
        return Trouble(self.random.choice(self.states), self.random.choice(ids), first, count, kind, faults[kind])

    def _faults(self) -> dict[str, Fault]:
        call, done = self.random.randint(0, 3), self.random.random() < 0.5
        late = self.random.choice((3, 40, 600, 4 * DAY))
        codes = ("ThrottlingException", "TransactionConflictException", "ServiceUnavailable")
        unavailable = self.random.choice(
            (*(client_error(code) for code in codes), ReadTimeoutError(endpoint_url="dynamodb"))
        )
        return {
            "throttled": Fault(before="Lambda.TooManyRequestsException"),
            "unavailable": Fault(at_call=call, call_error=unavailable, call_done=done),
            "killed": Fault(at_call=call, call_error=Killed(), call_done=done),
            "response lost": Fault(after="Lambda.SdkClientException"),
            "heartbeat lost": Fault(after="States.HeartbeatTimeout"),
            "hangs": Fault(hangs=True),
            "comes late": Fault(only_late=True, late=late, hangs=True),
            "comes twice": Fault(late=late),
            "a late call gets in between": Fault(at_call=call),
            "bug": Fault(before="AttributeError"),
            "bug in the middle": Fault(at_call=call, call_error=client_error("AccessDenied"), call_done=done),
        }

    # --- the plan that the system asks --------------------------------------------------------------------------------

    def fault(self, state: str, order_id: str) -> Fault | None:
        attempt = self.attempts.get((order_id, state), 0)
        self.attempts[order_id, state] = attempt + 1
        for trouble in self.troubles:
            if (trouble.state, trouble.order_id) == (state, order_id) and 0 <= attempt - trouble.first < trouble.count:
                return trouble.fault
        return None

    def start_fault(self, order_id: str) -> str | None:
        return self.start_faults.pop() if self.start_faults else None

    def loses_event(self) -> bool:
        return self.random.random() < 0.2

    def pause(self) -> float:
        return self.random.uniform(0.01, 0.5)

    # --- the play -----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Raises AssertionError if an order is done in part, or if one that stopped is not reported."""
        virtual_time.run(self._play())

    async def _play(self) -> None:
        system = self.system = OrderSystem(
            self, {sku: self.random.randint(3 if self.calm else 2, 5) for sku in ARTICLES}
        )
        if self.times_out:
            limited = replace(system.revision.definition, timeout_seconds=self.random.choice((1, 5, 60, 3600)))
            system.revision = replace(system.revision, definition=limited)
        for (order_id, party), behaviour in self.behaviour.items():
            self._behave(order_id, party, behaviour)
        system.on_request = lambda order_id: self._approve(order_id)
        customers = [asyncio.ensure_future(self._customer(order)) for order in self.orders]
        customers += [asyncio.ensure_future(self._killer(moment)) for moment in self.kills]
        await asyncio.gather(*customers)
        await system.finish()
        await self._operate()
        await system.finish()
        self._check()

    async def _customer(self, order: dict[str, Any]) -> None:
        """Sends an order, maybe again, and maybe cancels it."""
        sent = [self.system.deliver(order)]
        if self.random.random() < 0.4:
            sent.append(self._later(self._moment(), order))
        if self.cancellation is not None:
            sent.append(self._later(self.cancellation, {"order_id": order["order_id"], "cancel": True}))
        await asyncio.gather(*sent)

    async def _later(self, seconds: float, message: dict[str, Any]) -> None:
        await asyncio.sleep(seconds)
        await self.system.deliver(message)

    async def _killer(self, moment: float) -> None:
        await asyncio.sleep(moment)
        await self.system.kill(self.random.choice(self.orders)["order_id"])

    def _approve(self, order_id: str) -> None:
        loop = asyncio.get_running_loop()
        for moment, decision in self.decisions[order_id]:
            loop.call_later(moment, lambda decision=decision: self._decide(order_id, decision))

    def _decide(self, order_id: str, decision: str) -> None:
        answer = self.system.decide(order_id, decision)
        self.told[order_id].append(answer)
        if answer["changed"] and '"cancelled"' in (self.system.executions[order_id].output_text or ""):
            self.too_late.append(f"a decision on {order_id} was taken although it was cancelled")

    def _behave(self, order_id: str, party: str, behaviour: str) -> None:
        key = {"pk": {"S": f"order#{order_id}"}, "sk": {"S": f"sandbox#{party}"}}
        self.system.table.put_item(Item={**key, "state": {"S": behaviour}})

    async def _operate(self) -> None:
        """Every day the operator mends what is broken, and redrives what is reported, or cancels it at last."""
        for day in range(REDRIVES + 10):
            if not self.system.is_anything_open():
                return
            if self.random.random() < 0.7 or day:
                self.troubles = []
                for (order_id, party), behaviour in self.behaviour.items():
                    if behaviour == "down":
                        self._behave(order_id, party, "as usual")
            await asyncio.sleep(self.random.choice((30, DAY)))
            self.system.resume(cancel=day > REDRIVES or self.random.random() < 0.1)
            await self.system.finish()
        assert not self.system.is_anything_open(), "orders are still open"

    # --- what has to hold ---------------------------------------------------------------------------------------------

    def _check(self) -> None:
        assert not self.too_late, self.too_late
        taken = dict.fromkeys(ARTICLES, 0)
        for order in self.orders:
            done = self._is_done(order)
            for line in order["lines"] if done else ():
                taken[line["sku"]] += line["quantity"]
            self._check_end(order, done)
            self._check_approval(order, done)
        for sku, count in self.system.stock.items():
            left = self.system.table.get(f"stock#{sku}", "stock")["available"]
            assert left + taken[sku] == count, f"{left} {sku} in stock and {taken[sku]} taken are not {count}"
        for execution in self.system.executions.values():
            stopped = execution.status != "SUCCEEDED"
            assert not stopped or execution.name in self.system.alarms, f"nobody hears that {execution.name} stopped"

    def _is_done(self, order: dict[str, Any]) -> bool:
        """Whether all of an order is done. Raises AssertionError if only a part is."""
        entries = {part: self.system.table.get(f"order#{order['order_id']}", part) for part in DONE}
        done = {part: entries[part].get("state") == state for part, state in DONE.items()}
        assert all(done.values()) or not any(done.values()), f"order {order['order_id']} is done in part: {done}"
        if all(done.values()):
            assert entries["payment"]["amount"] == order["amount"]
            assert entries["reservation"]["lines"] == {line["sku"]: line["quantity"] for line in order["lines"]}
        return all(done.values())

    def _check_end(self, order: dict[str, Any], done: bool) -> None:
        """The ends of executions say what the ledger says, and every order has one."""
        names = (order["order_id"], f"{order['order_id']}_cancel")
        executions = [self.system.executions[name] for name in names if name in self.system.executions]
        ends = [execution.output_text for execution in executions if execution.status == "SUCCEEDED"]
        assert ends, f"order {order['order_id']} has no end"
        expected = '"status":"shipped"' if done else '"status":"cancelled"'
        assert all(expected in end for end in ends), f"done: {done}, but {ends}"
        if self._should_ship(order):
            assert done, f"nothing is wrong with order {order['order_id']}, but: {ends}"

    def _should_ship(self, order: dict[str, Any]) -> bool:
        """Whether nothing happens to an order but failures of single attempts, which are retried."""
        order_id = order["order_id"]
        usual = all(self.behaviour[order_id, party] == "as usual" for party in ("payment-provider", "carrier"))
        stocked = all(line["quantity"] <= self.system.stock[line["sku"]] for line in order["lines"])
        if self.system.alarms or self.cancellation is not None or len(self.orders) > 1 or not (usual and stocked):
            return False
        if len(self.troubles_at_first) > 2 or not all(trouble.is_retried for trouble in self.troubles_at_first):
            return False
        in_turn = sorted(self.decisions[order_id], key=lambda each: each[0])  # of two at one moment, the first holds
        decided = [decision for moment, decision in in_turn if moment < APPROVAL_SECONDS / 2]
        return order["amount"] <= LIMIT or decided[:1] == ["approve"]

    def _check_approval(self, order: dict[str, Any], done: bool) -> None:
        """What the approver was told holds, and no large order is shipped without an approval."""
        order_id = order["order_id"]
        if done and order["amount"] > LIMIT:
            approval = self.system.table.get(f"order#{order_id}", "approval")["state"]
            assert approval == "approved", f"order {order_id} is shipped, its approval is {approval}"
        made = [answer["outcome"] for answer in self.told[order_id] if answer["changed"]]
        assert len(made) <= 1, f"two decisions were taken: {made}"
        for answer in self.told[order_id]:
            assert not done or answer["outcome"] == "approved", f"the order is shipped, the approver was told {answer}"
            assert answer["outcome"] in (*made, "expired", "cancelled"), f"{answer} was never decided"


SIMULATIONS: list[tuple[type[Schedule], dict[str, Any]]] = [
    (Schedule, {"troubles": 2, "lasting": False, "calm": True}),
    (Schedule, {"troubles": 3}),
    (Schedule, {"troubles": 4, "kinds": LATE, "states": FORWARD}),
    (Schedule, {"troubles": 4, "kinds": BROKEN}),
    (Schedule, {"troubles": 2, "interruptions": True}),
    (Schedule, {"troubles": 3, "interruptions": True}),
]
