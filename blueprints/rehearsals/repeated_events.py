"""The events of a demo, repeated to the aliases that move, and the answers that each version gives to them."""

import itertools
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from blueprints.rehearsals.answers import Answers
from blueprints.rehearsals.one_in_ten import varied
from blueprints.rehearsals.targets import Client, FunctionTarget, StateMachineTarget, Target
from blueprints.rehearsals.traffic import as_payload

_DIFFERENT_EVENTS = 40
_MOST_INPUTS = 10
_SECONDS_OF_AN_EXECUTION = 2.0
"""How long a sender waits for an execution before it starts the next one."""
_SECONDS_BETWEEN_LOOKS = 0.02


@dataclass
class Repeated(ABC):
    """Events for one alias, and the shapes of the answers to them."""

    client: Client
    target: Target
    events: Sequence[Any] = ()
    senders: int = 1
    a_second: float = 5.0
    answers: Answers = field(default_factory=Answers)
    originals: int = 0
    """How many different events the demo has made; the copies of the first one are the events 0, n, 2n and so on."""

    def concentrate(self) -> None:
        """Send as many events as the machine takes: to the alias whose new version is judged."""
        self.senders, self.a_second = 4, 50.0

    def of_thread(self) -> list[list[Any]]:
        """The events of each sending thread. Copies of one event are sent by one thread, one after the other.

        The sources of events do the same: two attempts on the same batch of a stream never overlap.
        """
        threads = min(self.senders, self.originals)
        return [
            [event for place, event in enumerate(self.events) if place % self.originals % threads == thread]
            for thread in range(threads)
        ]

    def choose(self) -> None:
        """Keep the events that the released version handles when they are repeated, and make copies that differ.

        Only if it handles such copies as well: a function may refuse a key that it does not know.
        """
        self.events = [each for each in self.events if self.send(each)]
        self.originals = len(self.events)
        plain = [each for each in self.events if isinstance(each, dict)]
        if not plain or len(plain) < len(self.events):
            return
        copies = varied(plain, _DIFFERENT_EVENTS)
        if all(self.send(each) for each in copies[: len(plain)]):
            self.events = copies

    @abstractmethod
    def send(self, event: Any) -> bool:
        """Send an event and wait for the answer; returns whether it was handled without an error."""


@dataclass
class FunctionEvents(Repeated):
    """Invokes the alias of a function."""

    def send(self, event: Any) -> bool:
        """Invoke the function; its errors are counted by its metrics."""
        answered = self.client("lambda").invoke(FunctionName=self.target.alias_arn, Payload=as_payload(event))
        content = answered["Payload"].read()
        if "FunctionError" in answered:
            return False
        self.answers.add(answered["ExecutedVersion"], json.loads(content or b"null"))
        return True


@dataclass
class Executions(Repeated):
    """Starts executions of a state machine's alias with the inputs of the demo's."""

    def send(self, event: Any) -> bool:
        """Start an execution and wait until it ends, or for two seconds."""
        states = self.client("stepfunctions")
        given = as_payload(event).decode()
        arn = states.start_execution(stateMachineArn=self.target.alias_arn, input=given)["executionArn"]
        end = time.monotonic() + _SECONDS_OF_AN_EXECUTION
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING" and time.monotonic() < end:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        if found["status"] != "SUCCEEDED":
            return False
        version = str(found["stateMachineVersionArn"]).rpartition(":")[2]
        self.answers.add(version, json.loads(found.get("output") or "null"))
        return True


def repeated_events(
    client: Client, recent_events: Callable[[str], list[Any]], targets: Sequence[Target]
) -> list[Repeated]:
    """The events that the demo has made, for each alias: of functions, or of state machines if no function has any.

    `recent_events` returns the last events of a function's alias. Waits two seconds at most for functions that still
    work after the end of the demo.
    """
    functions = [each for each in targets if isinstance(each, FunctionTarget)]
    end = time.monotonic() + _SECONDS_OF_AN_EXECUTION
    while True:
        found = {each.alias_arn: recent_events(each.alias_arn) for each in functions}
        if all(found.values()) or time.monotonic() > end:
            break
        time.sleep(0.1)
    senders: list[Repeated] = [FunctionEvents(client, each, found[each.alias_arn]) for each in functions]
    if not any(found.values()):
        machines = [each for each in targets if isinstance(each, StateMachineTarget)]
        senders += [Executions(client, each, list(_inputs(client, each))) for each in machines]
    return senders


def _inputs(client: Client, target: StateMachineTarget) -> Iterator[Any]:
    """Inputs of the last executions that have succeeded."""
    states = client("stepfunctions")
    done = (each for each in target.executions(client) if each["status"] == "SUCCEEDED")
    for each in itertools.islice(done, _MOST_INPUTS):
        try:
            yield json.loads(states.describe_execution(executionArn=each["executionArn"])["input"])
        except ClientError:
            continue  # it was deleted meanwhile
