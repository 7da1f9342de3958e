"""The whole pattern in one process and in virtual time: its definition, its handlers, its replay.py.

The definition is run by the interpreter of the embedded AWS. What AWS does between the parts is here: the queue that
delivers again, the start of executions by name, functions that are invoked, task tokens, the rule that reports
executions that stopped. Faults come from a `Plan`, which is asked before every attempt of a task and every start.
"""

import asyncio
import contextlib
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol
from unittest import mock

import replay
from botocore.exceptions import ClientError
from in_memory_table import InMemoryTable
from template_facts import PATTERN, TEMPLATE, import_anew

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import RUNNING, Execution, Revision
from blueprints.local.services.stepfunctions.tasks import TaskAttempt
from blueprints.states_language import definition
from blueprints.states_language.failures import StateFailed

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders"
LIMIT = 100
APPROVAL_SECONDS = 72 * 3600
FUNCTIONS = ("PlaceOrders", "Stock", "Payments", "Approvals", "Shipping", "Decide")
DELIVERIES = 5
METRICS = {"FAILED": "ExecutionsFailed", "TIMED_OUT": "ExecutionsTimedOut", "ABORTED": "ExecutionsAborted"}
ENVIRONMENT = {
    "TABLE": "ledger",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:approvals",
    "STATE_MACHINE_ARN": f"{MACHINE}:live",
    "DEAD_LETTERS_URL": "dead-letters",
    "POWERTOOLS_SERVICE_NAME": "orders",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_DISABLED": "true",
}
SUBSTITUTIONS = {
    **{name: name for name in FUNCTIONS},
    "RequireApproval": "true",
    "ApprovalLimit": str(LIMIT),
    "ApprovalTimeoutHours": str(APPROVAL_SECONDS // 3600),
}
DEFINITION = (PATTERN / "statemachine" / "order.asl.json").read_text()


class Killed(BaseException):
    """The environment of a function was killed."""


@dataclass
class Fault:
    """What happens to one invocation.

    before: the error instead of the invocation. after: the error once the work is done. at_call: the call to the table
    at which `call_error` is raised, after its effect if `call_done`. late: seconds after which the invocation happens
    (again), in place of now if `only_late`. hangs: whether the state's time passes first.
    """

    before: str | None = None
    after: str | None = None
    at_call: int = -1
    call_error: BaseException | None = None
    call_done: bool = False
    late: float | None = None
    only_late: bool = False
    hangs: bool = False


class Plan(Protocol):
    def fault(self, state: str, order_id: str) -> Fault | None: ...

    def start_fault(self, order_id: str) -> str | None:
        """`before` or `after` the effect of StartExecution; None for no fault."""

    def pause(self) -> float:
        """The seconds of one invocation."""

    def loses_event(self) -> bool:
        """Whether EventBridge does not get the event of an execution that stopped."""


class NoFaults:
    def fault(self, state: str, order_id: str) -> Fault | None:
        return None

    def start_fault(self, order_id: str) -> str | None:
        return None

    def pause(self) -> float:
        return 0.1

    def loses_event(self) -> bool:
        return False


class Metrics:
    """Counts in place of Powertools, which would write to the log."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add_metric(self, name: str, unit: Any, value: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + value


class CurrentClient:
    """A client that passes every call on to the one of the system that was made last."""

    system: "OrderSystem"

    def __init__(self, service: str, **_: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(CurrentClient.system.clients[self._service], name)


@cache
def handlers() -> dict[str, ModuleType]:
    """The modules of the handlers, as the template names them."""
    clients = mock.patch("blueprints_shared.clients.client", CurrentClient)
    with clients, mock.patch.dict(os.environ, ENVIRONMENT):
        return {name: import_anew(name) for name in FUNCTIONS}


def reported_statuses(template: str = TEMPLATE) -> list[str]:
    """The statuses of executions that the template's rule reports."""
    return re.search(r"status: \[([A-Z_, ]+)\]", template)[1].split(", ")


def watched_metrics(template: str = TEMPLATE) -> list[str]:
    """The metrics of executions that the template's alarm OrdersStopped watches."""
    alarm = re.search(r"\n  OrdersStopped:\n((?:    .*\n)+)", template)[1]
    return re.findall(r"MetricName: (\w+)", alarm)


@cache
def revision(text: str) -> Revision:
    """The state machine with this definition, whose placeholders are filled in; each text is parsed once."""
    for name, value in SUBSTITUTIONS.items():
        text = text.replace(f"${{{name}}}", value)
    return Revision(MACHINE, "orders", text, definition.parse(text), "role")


class OrderSystem:
    """Runs in a coroutine on a loop of `virtual_time`."""

    def __init__(self, plan: Plan, stock: dict[str, int], text: str = DEFINITION) -> None:
        self.plan, self.stock = plan, stock
        self.table = InMemoryTable()
        for sku, count in stock.items():
            place = {"pk": {"S": f"stock#{sku}"}, "sk": {"S": "stock"}}
            self.table.put_item(Item={**place, "available": {"N": str(count)}})
        self.executions: dict[str, Execution] = {}
        self.tokens: dict[str, asyncio.Future] = {}
        self.past_tokens: set[str] = set()
        self.alarms: list[str] = []
        self.open_orders: list[dict[str, Any]] = []
        self.dead_letters: list[tuple[str, str]] = []
        self.on_request: Callable[[str], None] = lambda order_id: None
        self.late_calls: list[asyncio.Task] = []
        self.waiting_calls: list[Callable[[], None]] = []
        self.metrics = Metrics()
        self.revision = revision(text)
        self.engine = Engine(Clock(1), self, None)
        self.engine.loop._loop = asyncio.get_running_loop()
        self.engine.status_listeners.append(self._report)
        self.clients = {
            "dynamodb": self.table,
            "sns": SimpleNamespace(publish=self._publish),
            "sqs": SimpleNamespace(send_message=self._set_aside),
            "stepfunctions": States(self),
            "lambda": SimpleNamespace(invoke=self._invoke),
        }
        self._numbers = iter(range(10**9))
        CurrentClient.system = self
        for module in handlers().values():
            if hasattr(module, "metrics"):
                module.metrics = self.metrics

    # --- the customer, the approver, the operator ---------------------------------------------------------------------

    async def deliver(self, message: dict[str, Any]) -> None:
        """The queue delivers a message, again while its handler fails; then it is a dead letter."""
        body = json.dumps(message)
        record = {"messageId": str(next(self._numbers)), "body": body}
        for _ in range(DELIVERIES):
            try:
                answer = self.call("PlaceOrders", {"Records": [record]})
                if not answer["batchItemFailures"]:
                    return
            except Exception:  # noqa: BLE001 - Lambda returns any error to the queue
                pass
            await asyncio.sleep(90)
        self.dead_letters.append((body, ""))

    def decide(self, order_id: str, decision: str) -> dict[str, Any]:
        return self.call("Decide", {"order_id": order_id, "decision": decision})

    def resume(self, *, cancel: bool = False) -> list[str]:
        """What `replay.py` does, with or without --cancel; returns why orders were left."""
        orders = self._orders(cancel=cancel)
        left = []
        events, self.open_orders = self.open_orders, []
        letters, self.dead_letters = self.dead_letters, []
        for event in events:
            try:
                orders.resume(event)
            except replay.NotReplayed as reason:
                left.append(str(reason))
                self.open_orders.append(event)
        for execution in list(orders.stopped()):  # also those that EventBridge did not report
            try:
                replay.Stopped(orders, execution).replay()
            except replay.NotReplayed as reason:
                left.append(str(reason))
        for body, _ in letters:
            try:
                orders.resume(json.loads(body))
            except replay.NotReplayed as reason:
                left.append(str(reason))
                self.dead_letters.append((body, str(reason)))
        return left

    def is_anything_open(self) -> bool:
        """What replay.py --dry-run shows."""
        return bool(self.open_orders or self.dead_letters or list(self._orders().stopped()))

    def _orders(self, *, cancel: bool = False) -> Any:
        stack = SimpleNamespace(
            client=lambda service: self.clients[service],
            outputs={"StateMachineArn": MACHINE, "PlaceFunction": "PlaceOrders"},
        )
        return replay.Orders(stack, cancel)

    async def kill(self, name: str) -> None:
        """End an execution as StopExecution does."""
        if name in self.executions:
            await self.engine.stop_here(self.executions[name], "Killed")

    async def finish(self) -> None:
        """Wait until no execution runs, and every late call was made."""
        while True:
            tasks = [task for _, _, task in self.engine._running.values()]
            tasks += [task for task in self.late_calls if not task.done()]
            if not tasks:
                return
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    # --- functions ----------------------------------------------------------------------------------------------------

    def call(self, function: str, event: dict[str, Any]) -> Any:
        """Invoke a function, without the decorators of its handler."""
        handler = handlers()[function].handler
        while hasattr(handler, "__wrapped__"):
            handler = handler.__wrapped__
        return json.loads(json.dumps(handler(json.loads(json.dumps(event)), None)))

    def new_token(self) -> str:
        return f"token-{next(self._numbers)}"

    async def attempt(self, task: TaskAttempt) -> Any:
        """One attempt of a Task state."""
        function, payload = task.arguments["FunctionName"], task.arguments["Payload"]
        waits = task.resource.endswith(".waitForTaskToken")
        if waits:
            answered = self.tokens[task.token] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(task.timeout_seconds):
                fault = self.plan.fault(task.state, payload["order"]["order_id"])
                answer = await self._invoke_with(fault or Fault(), function, payload)
                return await answered if waits else {"StatusCode": 200, "Payload": answer}
        except TimeoutError:
            raise StateFailed("States.Timeout") from None
        finally:
            if waits:
                del self.tokens[task.token]
                self.past_tokens.add(task.token)

    async def _invoke_with(self, fault: Fault, function: str, payload: dict[str, Any]) -> Any:
        await asyncio.sleep(self.plan.pause())
        if fault.late is not None:
            self._call_later(fault.late, function, payload)
        if fault.only_late or fault.before:
            if fault.hangs:
                await asyncio.sleep(10**9)
            raise StateFailed(fault.before or "Sandbox.Timedout", "")
        answer = self._called(fault, function, payload)
        if fault.hangs:
            await asyncio.sleep(10**9)
        if fault.after:
            raise StateFailed(fault.after, "")
        return answer

    def _called(self, fault: Fault, function: str, payload: dict[str, Any]) -> Any:
        calls = iter(range(10**9))

        def turn(effect: Callable[[], Any]) -> Any:
            if next(calls) != fault.at_call:
                return effect()
            if fault.call_error is None:  # a call that came late gets in between
                if self.waiting_calls:
                    self.waiting_calls.pop(0)()
                return effect()
            if fault.call_done:
                effect()
            raise fault.call_error

        before, self.table.turn = self.table.turn, turn
        try:
            return self.call(function, payload)
        except Killed:
            raise StateFailed("Sandbox.Timedout", "") from None
        except Exception as error:  # Lambda reports any error by the name of its class
            raise StateFailed(type(error).__name__, str(error)) from error
        finally:
            self.table.turn = before

    def _call_later(self, seconds: float, function: str, payload: dict[str, Any]) -> None:
        """Invoke a function late: after some seconds, or between two calls of another invocation."""
        made = []

        def call() -> None:
            if not made:
                made.append(True)
                with contextlib.suppress(StateFailed):
                    self._called(Fault(), function, payload)

        async def wait() -> None:
            await asyncio.sleep(seconds)
            if call in self.waiting_calls:
                self.waiting_calls.remove(call)
            call()

        self.waiting_calls.append(call)
        self.late_calls.append(asyncio.ensure_future(wait()))

    # --- what the clients do ------------------------------------------------------------------------------------------

    def _publish(self, **message: Any) -> None:
        order_id = re.search(r"Order (\S+) ", message["Message"])[1]
        assert not [token for token in self.tokens if token in message["Message"]], "the token is published"
        self.on_request(order_id)

    def _set_aside(self, *, MessageBody: str, MessageAttributes: Any, **_: Any) -> None:
        self.dead_letters.append((MessageBody, MessageAttributes["ERROR_MESSAGE"]["StringValue"]))

    def _invoke(self, *, FunctionName: str, Payload: bytes) -> Any:
        try:
            return {"Payload": io.BytesIO(json.dumps(self.call(FunctionName, json.loads(Payload))).encode())}
        except Exception as error:  # noqa: BLE001 - Lambda reports any error
            failed = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failed).encode())}

    def _report(self, execution: Execution) -> None:
        """The alarm and the rule of the template; EventBridge delivers these events on a best-effort basis."""
        if METRICS.get(execution.status) in watched_metrics():
            self.alarms.append(execution.name)
        if execution.status in reported_statuses() and not self.plan.loses_event():
            detail = {"executionArn": execution.arn, "name": execution.name, "status": execution.status}
            self.open_orders.append({"source": "aws.states", "detail": detail})


def error(code: str, operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class States:
    """The client of Step Functions."""

    class AlreadyExists(ClientError):
        pass

    def __init__(self, system: OrderSystem) -> None:
        self.system = system
        self.exceptions = SimpleNamespace(ExecutionAlreadyExists=self.AlreadyExists, ExecutionDoesNotExist=KeyError)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Any:  # noqa: A002
        assert stateMachineArn == f"{MACHINE}:live"
        fault = self.system.plan.start_fault(name)
        if fault == "before":
            raise error("ThrottlingException")
        arn = f"{MACHINE.replace('stateMachine', 'execution')}:{name}"
        found = self.system.executions.get(name)
        if found is None:
            found = Execution(arn, name, self.system.revision, input, json.loads(input))
            self.system.executions[name] = found
            self.system.engine.start_here(found)
        elif found.status != RUNNING or found.input_text != input:
            raise self.AlreadyExists({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        if fault == "after":
            raise error("ServiceUnavailable")
        return {"executionArn": arn}

    def describe_execution(self, *, executionArn: str) -> Any:
        found = self.system.executions[executionArn.rpartition(":")[2]]
        return {"executionArn": found.arn, "status": found.status, "input": found.input_text}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_executions"
        return self

    def paginate(self, *, stateMachineArn: str, statusFilter: str) -> Any:
        found = [each for each in self.system.executions.values() if each.status == statusFilter]
        yield {"executions": [{"executionArn": each.arn, "name": each.name, "status": each.status} for each in found]}

    def redrive_execution(self, *, executionArn: str) -> Any:
        self.system.engine.redrive_here(self.system.executions[executionArn.rpartition(":")[2]])

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        if taskToken not in self.system.tokens:
            raise error("TaskTimedOut" if taskToken in self.system.past_tokens else "InvalidToken")
        if not self.system.tokens[taskToken].done():
            self.system.tokens[taskToken].set_result(json.loads(output))
