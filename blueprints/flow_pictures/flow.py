"""What a picture shows of a state machine: its states and the transitions between them, read from the definition."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.counting import counted
from blueprints.errors import BlueprintError
from blueprints.flow_pictures.conditions import condition, expression, path
from blueprints.flow_pictures.resources import call_of, short_name

CATCH = "catch"
NORMAL = "normal"
_ANY_ERROR = {"States.ALL": "any error", "States.TaskFailed": "the task failed", "States.Timeout": "time-out"}
_DEFAULT_ATTEMPTS = 3
"""MaxAttempts where a retrier does not say it."""


@dataclass(frozen=True)
class Transition:
    """An arrow between two states of a block."""

    source: str
    target: str
    kind: str
    """`normal`, or `catch` for what happens after an error."""
    labels: tuple[str, ...] = ()
    """Each condition or error under which it is taken; empty if always."""


@dataclass(frozen=True)
class FlowState:
    """A state as its box shows it."""

    name: str
    type: str
    lines: tuple[str, ...] = ()
    """What it does, in a few words: `lambda:invoke ReserveStock`, `wait 30 s`."""
    waits: str = ""
    """What a Task waits for after its call."""
    awaits_token: bool = False
    retries: int = 0
    """How often it is tried again at most, by the retrier that tries most."""
    blocks: tuple["Flow", ...] = ()
    """Branches of a Parallel state; the processor of a Map state."""
    is_terminal: bool = False
    """Whether the block ends with it."""
    is_distributed: bool = False
    """Whether it is a Map state whose items run as executions of their own."""


@dataclass(frozen=True)
class Flow:
    """The states of a machine, a branch or an item processor, in the order in which they are written."""

    start: str
    states: tuple[FlowState, ...]
    transitions: tuple[Transition, ...]
    comment: str = field(default="", compare=False)

    def all_states(self) -> Iterator[FlowState]:
        """Every state, also those in branches and item processors."""
        for state in self.states:
            yield state
            for block in state.blocks:
                yield from block.all_states()

    def all_transitions(self) -> Iterator[Transition]:
        """Every transition, also those in branches and item processors."""
        yield from self.transitions
        for state in self.states:
            for block in state.blocks:
                yield from block.all_transitions()


def read_flow(definition: object, names: Mapping[str, str] | None = None) -> Flow:
    """Read a definition in the Amazon States Language, as JSON text or as its value.

    `names` has shorter names for texts in it, such as ARNs and placeholders. Raises BlueprintError if it is not a
    definition, or if a transition leads to a state that does not exist.
    """
    if isinstance(definition, str):
        try:
            definition = json.loads(definition)
        except ValueError as error:
            raise BlueprintError(f"The state machine's definition is not JSON: {error}") from error
    return _block(definition, names or {})


def _block(written: object, names: Mapping[str, str]) -> Flow:
    if not isinstance(written, Mapping) or not isinstance(written.get("States"), Mapping):
        raise BlueprintError("The state machine's definition has no States.")
    states = {str(name): each for name, each in written["States"].items() if isinstance(each, Mapping)}
    start = str(written.get("StartAt"))
    transitions = [made for name, state in states.items() for made in _transitions(name, state)]
    for end in (start, *(each.target for each in transitions)):
        if end not in states:
            raise BlueprintError(f"The state machine's definition leads to the state '{end}', which does not exist.")
    made = tuple(_state(name, state, names) for name, state in states.items())
    return Flow(start, made, tuple(_merged(transitions)), str(written.get("Comment") or ""))


def _transitions(name: str, state: Mapping[str, Any]) -> Iterator[Transition]:
    for rule in _mappings(state.get("Choices")):
        if "Next" in rule:
            yield Transition(name, str(rule["Next"]), NORMAL, (condition(rule),))
    if "Default" in state:
        yield Transition(name, str(state["Default"]), NORMAL, ("otherwise",))
    if "Next" in state:
        yield Transition(name, str(state["Next"]), NORMAL)
    for catcher in _mappings(state.get("Catch")):
        errors = catcher.get("ErrorEquals")
        shown = tuple(_ANY_ERROR.get(str(each), str(each)) for each in (errors if isinstance(errors, list) else []))
        yield Transition(name, str(catcher.get("Next")), CATCH, shown)


def _merged(transitions: list[Transition]) -> Iterator[Transition]:
    """One transition for those of the same kind between the same states, with all their labels."""
    groups: dict[tuple[str, str, str], list[Transition]] = {}
    for each in transitions:
        groups.setdefault((each.source, each.target, each.kind), []).append(each)
    for (source, target, kind), group in groups.items():
        always = kind == NORMAL and any(not each.labels for each in group)
        labels = () if always else tuple(dict.fromkeys(label for each in group for label in each.labels))
        yield Transition(source, target, kind, labels)


def _state(name: str, state: Mapping[str, Any], names: Mapping[str, str]) -> FlowState:
    kind = str(state.get("Type"))
    call = call_of(state, names) if kind == "Task" else None
    lines = (call.words,) if call else tuple(_words(kind, state, names))
    leaves = "Next" in state or kind == "Choice"
    return FlowState(
        name=name,
        type=kind,
        lines=tuple(line for line in lines if line),
        waits=call.waits if call else "",
        awaits_token=call.awaits_token if call else False,
        retries=max((_attempts(each) for each in _mappings(state.get("Retry"))), default=0),
        blocks=tuple(_block(each, names) for each in _blocks(kind, state)),
        is_terminal=not leaves,
        is_distributed=kind == "Map" and _is_distributed(state),
    )


def _attempts(retrier: Mapping[str, Any]) -> int:
    attempts = retrier.get("MaxAttempts", _DEFAULT_ATTEMPTS)
    return attempts if isinstance(attempts, int) else _DEFAULT_ATTEMPTS


def _blocks(kind: str, state: Mapping[str, Any]) -> Iterator[object]:
    if kind == "Parallel":
        yield from _mappings(state.get("Branches"))
    elif kind == "Map":
        yield state.get("ItemProcessor") or state.get("Iterator")


def _words(kind: str, state: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    if kind == "Wait":
        yield _wait(state)
    elif kind == "Fail":
        yield _shown(state, "Error")
    elif kind == "Parallel":
        yield counted(len(state.get("Branches") or []), "branch", "branches")
    elif kind == "Map":
        yield from _map(state, names)


def _wait(state: Mapping[str, Any]) -> str:
    if "Seconds" in state:
        seconds = state["Seconds"]
        return f"wait {seconds} s" if isinstance(seconds, int) else f"wait {expression(seconds)} s"
    if "SecondsPath" in state:
        return f"wait {path(state['SecondsPath'])} s"
    return f"wait until {_shown(state, 'Timestamp')}"


def _shown(state: Mapping[str, Any], field_name: str) -> str:
    if field_name in state:
        return expression(state[field_name])
    return str(state.get(f"{field_name}Path", ""))


def _is_distributed(state: Mapping[str, Any]) -> bool:
    processor = state.get("ItemProcessor")
    settings = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    return isinstance(settings, Mapping) and settings.get("Mode") == "DISTRIBUTED"


def _map(state: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    yield "each item in an execution of its own" if _is_distributed(state) else "each item"
    reader = state.get("ItemReader")
    if isinstance(reader, Mapping):
        yield f"items of {call_of(reader, names).words}"
    batcher = state.get("ItemBatcher")
    if isinstance(batcher, Mapping) and isinstance(batcher.get("MaxItemsPerBatch"), int):
        yield f"in batches of {batcher['MaxItemsPerBatch']}"
    most = state.get("MaxConcurrency")
    if isinstance(most, int) and most:
        yield f"{most} at a time"
    writer = state.get("ResultWriter")
    if isinstance(writer, Mapping) and writer.get("Resource"):
        arguments = writer.get("Arguments") or writer.get("Parameters")
        place = arguments.get("Bucket") if isinstance(arguments, Mapping) else None
        yield f"results to {short_name(place, names)}" if place else "results to S3"


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (each for each in (value if isinstance(value, list) else ()) if isinstance(each, Mapping))
