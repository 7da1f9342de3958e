"""Plays the state machine's own definition, one attempt of a task at a time, so that anything can happen in between.

It evaluates the definition's JSONata as the embedded AWS does, and calls the handlers themselves. Waits take no time.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from in_memory_lake import Died

from blueprints.states_language import jsonata
from blueprints.states_language.visible_data import MISSING, VisibleData

DEFINITION = Path(__file__).parents[3] / "patterns" / "stepfunctions-etl" / "statemachine" / "etl.asl.json"


def machine(**substitutions: str) -> dict[str, Any]:
    """The definition, with its placeholders replaced; a placeholder without a value stands for its own name."""
    text = DEFINITION.read_text()
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    definition: dict[str, Any] = json.loads(text)
    return definition


class Failed(Exception):
    """A task failed; the message is the name of the error."""


@dataclass(eq=False)
class Execution:
    """One run of states: an execution, or one batch of its distributed map, which has `items`.

    `call(name, payload)` invokes a function, or another service by the task's resource.
    """

    states: dict[str, Any]
    state: str
    input: Any
    call: Any
    items: int = 0
    variables: dict[str, Any] = field(default_factory=dict)
    status: str = "RUNNING"
    error: str = ""
    output: Any = None
    children: list["Execution"] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)

    def step(self, world):
        """Run one state, one attempt of a task, or one attempt in a batch."""
        fields = self.states[self.state]
        try:
            {"Task": self._task, "Map": self._map, "Choice": self._choice, "Succeed": self._succeed}[fields["Type"]](
                fields, world
            )
        except Failed as failed:
            self._handle(fields, str(failed), world)

    def stop(self):
        """Stop it, as StopExecution does."""
        self.status, self.error = "ABORTED", ""
        for child in self.children:
            if child.status == "RUNNING":
                child.stop()

    def redrive(self):
        """Go on at the state that failed; of a distributed map, run those batches that did not succeed."""
        self.status, self.attempts = "RUNNING", {}
        for child in self.children:
            if child.status != "SUCCEEDED":
                child.redrive()

    def _task(self, fields, world):
        arguments = self._evaluate(fields["Arguments"])
        is_function = fields["Resource"].endswith(":lambda:invoke")
        name, given = (
            (arguments[each] for each in ("FunctionName", "Payload"))
            if is_function
            else (fields["Resource"], arguments)
        )
        try:
            answer = self.call(name, json.loads(json.dumps(given)))
        except Died:
            raise Failed("Lambda.Unknown") from None
        except AssertionError:
            raise  # a promise is broken
        except Exception as error:
            raise Failed(type(error).__name__) from error
        self._leave(fields, {"Payload": answer} if is_function else answer)

    def _map(self, fields, world):
        if not self.children:
            self.children = list(self._batches(fields, world))
        running = [child for child in self.children if child.status == "RUNNING"]
        if running:
            world.random.choice(running).step(world)
            return
        items = sum(child.items for child in self.children)
        failed = sum(child.items for child in self.children if child.status != "SUCCEEDED")
        if failed * 100 > self._evaluate(fields["ToleratedFailurePercentage"]) * items:
            raise Failed("States.ExceedToleratedFailureThreshold")
        self.children = []
        self._leave(fields, {})

    def _batches(self, fields, world):
        key, batcher = self._evaluate(fields["ItemReader"]["Arguments"])["Key"], fields["ItemBatcher"]
        items, size = json.loads(world.s3.objects[key]), self._evaluate(batcher["MaxItemsPerBatch"])
        processor = fields["ItemProcessor"]
        for start in range(0, len(items), size):
            given = {"BatchInput": self._evaluate(batcher["BatchInput"]), "Items": items[start : start + size]}
            yield Execution(processor["States"], processor["StartAt"], given, self.call, len(given["Items"]))

    def _choice(self, fields, world):
        rules = (rule for rule in fields["Choices"] if self._evaluate(rule["Condition"]))
        chosen = next(rules, {"Next": fields["Default"], "Assign": fields.get("Assign", {})})
        self._leave(chosen, MISSING)

    def _succeed(self, fields, world):
        self._leave({**fields, "End": True}, MISSING)

    def _leave(self, fields, result):
        output = self._evaluate(fields["Output"], result) if "Output" in fields else self.input
        self.variables |= self._evaluate(fields.get("Assign", {}), result)
        self.input, self.attempts = output, {}
        if fields.get("End"):
            self.status, self.output = "SUCCEEDED", output
        else:
            self.state = fields["Next"]

    def _handle(self, fields, error, world):
        for index, retrier in enumerate(fields.get("Retry", ())):
            if error in retrier["ErrorEquals"] or "States.ALL" in retrier["ErrorEquals"]:
                tried = self.attempts.get(index, 0)
                if tried < min(retrier["MaxAttempts"], world.retries):
                    self.attempts[index] = tried + 1
                    return
                break
        for catcher in fields.get("Catch", ()):
            if error in catcher["ErrorEquals"]:
                self.state, self.attempts = catcher["Next"], {}
                return
        self.status, self.error = "FAILED", error

    def _evaluate(self, template, result=MISSING):
        data = VisibleData(input=self.input, context={}, variables=self.variables, state=self.state, result=result)
        return jsonata.evaluate(template, data, "Arguments")
