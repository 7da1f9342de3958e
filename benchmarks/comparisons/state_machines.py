"""Step Functions of the embedded AWS against the base emulator's interpreter and moto's, on the same definitions.

A chain of 100 Pass and Choice states, an inline Map of 1,000 items, and the creation of a state machine of 20 states.
Times are those of a client that polls without a pause. `distributed_map.py` compares distributed Maps.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks import emulators, peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Unavailable, Variant

TITLE = "State machines"

_STATES = 100
_ITEMS = 1_000
_PATIENCE = 300.0
_SETTLED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_TRUST = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the times of executions and of creations, against each of the two interpreters."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    with Cloud() as cloud, emulators.stock() as stock:
        servers = {"ours": ("ours", cloud.endpoint), "ministack": ("ministack as it is", stock)}
        try:
            command = peers.moto(bench.progress)
        except Unavailable as reason:
            yield Missing("against moto's server", str(reason))
            yield from _compared(bench, servers)
        else:
            bench.uses("moto", peers.MOTO)
            with emulators.moto(command) as moto:
                yield from _compared(bench, {**servers, "moto": ("moto's server", moto)})


def _compared(bench: Bench, servers: dict[str, tuple[str, str]]) -> Iterable[Claim]:
    machines = {key: Machines(endpoint) for key, (_, endpoint) in servers.items()}
    chain = {key: each.execution(_chain(_STATES), {"n": 1}) for key, each in machines.items()}
    iterations = {key: each.execution(_map(), {"items": list(range(_ITEMS))}) for key, each in machines.items()}
    for case, runs, limit in (
        (f"a chain of {_STATES} Pass and Choice states", chain, {"moto": 5, "ministack": 5}),
        (f"an inline Map of {_ITEMS:,} items", iterations, {"moto": 5, "ministack": 5}),
        ("creation of 20 states", {key: each.creation for key, each in machines.items()}, {"moto": 10}),
    ):
        variants = {key: Variant(servers[key][0], run) for key, run in runs.items()}
        timed = bench.measure(case, variants)
        for key in [each for each in servers if each != "ours"]:
            target = Target("faster", limit[key]) if key in limit else None
            yield Claim(f"{case}, against {servers[key][0]}", timed, against=key, measure="wall", target=target)
    one = {key: Variant(servers[key][0], _per_state(chain[key])) for key in servers}
    timed = bench.measure("one state of the chain", one)
    yield Claim(
        "one state of the chain, with its share of starting and polling",
        timed,
        against="ministack",
        measure="wall",
        target=Target("at_most", 0.001),
    )


def _per_state(run: Callable[[], Sample]) -> Callable[[], Sample]:
    def share() -> Sample:
        wall = run().wall
        assert wall is not None
        return Sample(wall / (_STATES + 1))

    return share


@dataclass(frozen=True)
class Machines:
    """State machines on one server, with a client that stays open."""

    endpoint: str

    def execution(self, definition: dict[str, Any], given: dict[str, Any]) -> Callable[[], Sample]:
        """Create a state machine; return a function that runs it once."""
        return _execution(self._states, self._create(definition), given)

    def creation(self) -> Sample:
        """Create a state machine of 20 states."""
        states, role, definition = self._states, self._role_arn, json.dumps(_tasks(20))
        began = time.perf_counter()
        arn = states.create_state_machine(name=f"m{time.time_ns()}", definition=definition, roleArn=role)
        passed = time.perf_counter() - began
        states.delete_state_machine(stateMachineArn=arn["stateMachineArn"])
        return Sample(passed)

    @property
    def _states(self) -> Any:
        return emulators.client("stepfunctions", self.endpoint)

    @property
    def _role_arn(self) -> str:
        iam, name = emulators.client("iam", self.endpoint), f"role-{time.time_ns()}"
        trust = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])

    def _create(self, definition: dict[str, Any]) -> str:
        name, text = f"m{time.time_ns()}", json.dumps(definition)
        made = self._states.create_state_machine(name=name, definition=text, roleArn=self._role_arn)
        return str(made["stateMachineArn"])


def _execution(states: Any, machine: str, given: dict[str, Any]) -> Callable[[], Sample]:
    text = json.dumps(given)

    def run() -> Sample:
        began = time.perf_counter()
        name = f"e{time.time_ns()}"
        execution = states.start_execution(stateMachineArn=machine, name=name, input=text)["executionArn"]
        while (described := states.describe_execution(executionArn=execution))["status"] not in _SETTLED:
            if time.perf_counter() - began > _PATIENCE:
                break
        passed = time.perf_counter() - began
        if described["status"] != "SUCCEEDED":
            raise RuntimeError(f"the execution is {described['status']}: {described.get('cause')}")
        return Sample(passed)

    return run


def _chain(count: int) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for number in range(count):
        after = f"S{number + 1}"
        rule = {"Variable": "$.n", "NumericGreaterThan": 0, "Next": after}
        states[f"S{number}"] = (
            {"Type": "Choice", "Choices": [rule], "Default": after}
            if number % 2
            else {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "Next": after}
        )
    states[f"S{count}"] = {"Type": "Succeed"}
    return {"StartAt": "S0", "States": states}


def _map() -> dict[str, Any]:
    item = {"Type": "Pass", "Parameters": {"value.$": "$"}, "End": True}
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Keep", "States": {"Keep": item}}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True}
    return {"StartAt": "Each", "States": {"Each": each}}


def _tasks(count: int) -> dict[str, Any]:
    """A definition with tasks that store a row each, retry and catch."""
    note = "States.Format('{} by {}', $.order.id, $$.Execution.Name)"
    item = {"id": {"S.$": "$.order.id"}, "note": {"S.$": note}, "at": {"S.$": "$$.State.EnteredTime"}}
    names = [f"Store {number}" for number in range(count - 2)]
    states: dict[str, Any] = {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": "orders", "Item": item, "ConditionExpression": "attribute_not_exists(id)"},
            "ResultSelector": {"status.$": "$.SdkHttpMetadata.HttpStatusCode"},
            "ResultPath": "$.stored",
            "TimeoutSeconds": 30,
            "Retry": [
                {
                    "ErrorEquals": ["DynamoDB.ThrottlingException", "States.Timeout"],
                    "BackoffRate": 2,
                    "MaxAttempts": 5,
                    "MaxDelaySeconds": 60,
                    "JitterStrategy": "FULL",
                }
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}],
            "Next": after,
        }
        for name, after in zip(names, [*names[1:], "Done"], strict=True)
    }
    states |= {"Done": {"Type": "Succeed"}, "Failed": {"Type": "Fail", "Error": "Failed"}}
    return {"StartAt": names[0], "States": states}
