"""A distributed Map over 10,000 items in batches of 100 through a function, against the unmodified base emulator.

The same stack is deployed to both: a state machine whose distributed Map state invokes a function that adds up a batch.
The base emulator ignores ItemBatcher, so the batches come in the input, as lists of 100; a second case has the items in
the input and an ItemBatcher, which runs on ours alone. The time is that between the execution's startDate and stopDate;
its output is compared with the sums.

moto is no peer here: its server runs functions in Docker only, and answers without running them where Docker is absent.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import emulators
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Variant

TITLE = "A distributed Map"

_BATCH = 100
_PATIENCE = 300.0
_BETWEEN_LOOKS = 0.25
_ADD = """
def handler(event, context):
    return sum(event["Items"])
"""


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the time of an execution with batches in the input, and with batches that the state makes."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    items = 1_000 if bench.quick else 10_000
    batches = [{"Items": list(range(first, first + _BATCH))} for first in range(0, items, _BATCH)]
    sums = [sum(each["Items"]) for each in batches]
    bench.progress("starting both")
    with Cloud() as cloud, emulators.stock() as stock:
        ours, peer = Machine.deploy(cloud.endpoint, {}), Machine.deploy(stock, {})
        variants = {
            "peer": Variant("ministack as it is", partial(peer.run, batches, sums)),
            "ours": Variant("ours", partial(ours.run, batches, sums)),
        }
        named = f"{items:,} items in {len(batches)} given batches, through a function"
        timed = bench.measure(named, variants, rounds=3 if bench.quick else 5)
        yield Claim(named, timed, measure="wall", target=Target("faster", 3))
        yield Missing(f"{named}, against moto", "moto's server runs functions in Docker only")
        batcher = Machine.deploy(cloud.endpoint, {"ItemBatcher": {"MaxItemsPerBatch": _BATCH}}, "batcher")
        variants = {
            "given": Variant("batches in the input", partial(ours.run, batches, sums)),
            "ours": Variant("an ItemBatcher", partial(batcher.run, list(range(items)), sums)),
        }
        named = f"{items:,} items that ItemBatcher puts into {len(batches)} batches"
        timed = bench.measure(named, variants, rounds=3 if bench.quick else 5)
        yield Claim(named, timed, against="given", measure="wall", target=Target("within", 2))


@dataclass
class Machine:
    """A deployed state machine."""

    states: Any
    arn: str

    @classmethod
    def deploy(cls, endpoint: str, fields: Mapping[str, Any], name: str = "given") -> "Machine":
        """Deploy a function, and make a machine with these fields in its Map state."""
        outputs = emulators.deploy(endpoint, f"distributed-map-{name}", _template())
        states = emulators.client("stepfunctions", endpoint)
        definition = json.dumps(_definition(outputs["Add"], fields))
        made = states.create_state_machine(name=name, definition=definition, roleArn=outputs["MachineRole"])
        return cls(states, made["stateMachineArn"])

    def run(self, given: list[Any], expected: list[int]) -> Sample:
        """Run an execution, check its output, and return the time between its dates.

        Looks that come often would cost either emulator as much as the work.
        """
        until = time.monotonic() + _PATIENCE
        execution = self.states.start_execution(stateMachineArn=self.arn, input=json.dumps(given))["executionArn"]
        while (described := self.states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() > until:
                raise RuntimeError(f"the execution did not end within {_PATIENCE:.0f} s")
            time.sleep(_BETWEEN_LOOKS)
        if described["status"] != "SUCCEEDED" or json.loads(described["output"]) != expected:
            raise RuntimeError(f"the execution gave something else than the sums: {str(described)[:500]}")
        return Sample(wall=(described["stopDate"] - described["startDate"]).total_seconds())


def _definition(function: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Add",
        "States": {"Add": {"Type": "Task", "Resource": function, "End": True}},
    }
    state = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "Batches", "States": {"Batches": state}}


def _template() -> dict[str, Any]:
    return {
        "Resources": {
            "Role": _role("lambda.amazonaws.com"),
            "Add": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": {"ZipFile": _ADD},
                    "Handler": "index.handler",
                    "Runtime": "python3.13",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                },
            },
            "MachineRole": _role("states.amazonaws.com", "lambda:InvokeFunction", "states:StartExecution"),
        },
        "Outputs": {
            "Add": {"Value": {"Fn::GetAtt": ["Add", "Arn"]}},
            "MachineRole": {"Value": {"Fn::GetAtt": ["MachineRole", "Arn"]}},
        },
    }


def _role(service: str, *actions: str) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        properties["Policies"] = [{"PolicyName": "work", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}
