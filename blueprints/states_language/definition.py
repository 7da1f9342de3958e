"""State machine definitions: what a definition consists of, read once when it is created."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.states_language import validation
from blueprints.states_language.faults import ERROR, Fault
from blueprints.states_language.query_languages import JSON_PATH, JSONATA

__all__ = [
    "JSONATA",
    "JSON_PATH",
    "Block",
    "Catcher",
    "Definition",
    "Fault",
    "InvalidDefinition",
    "Retrier",
    "State",
    "faults",
    "parse",
]


class InvalidDefinition(Exception):
    """AWS refuses the definition; the message is AWS's, such as `'SCHEMA_VALIDATION_FAILED: …'`."""


@dataclass(frozen=True)
class Retrier:
    """One entry of `Retry`."""

    errors: tuple[str, ...]
    interval_seconds: int = 1
    backoff_rate: float = 2.0
    max_attempts: int = 3
    max_delay_seconds: int | None = None
    full_jitter: bool = False


@dataclass(frozen=True)
class Catcher:
    """One entry of `Catch`; `fields` is the entry as written, for its ResultPath, Output and Assign."""

    errors: tuple[str, ...]
    next: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """One state. `fields` is the state as written; what every kind of state has is read out of it."""

    name: str
    type: str
    query_language: str
    fields: Mapping[str, Any]
    next: str | None = None
    """The state after this one; None where it ends its block."""
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    blocks: tuple["Block", ...] = ()
    """The branches of a Parallel state; of a Map state, its ItemProcessor (or Iterator) alone."""

    @property
    def is_distributed(self) -> bool:
        """Whether this is a Map state whose items run as executions of their own."""
        processor = self.fields.get("ItemProcessor") or self.fields.get("Iterator") or {}
        return self.type == "Map" and (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"


@dataclass(frozen=True)
class Block:
    """States that run one after the other, from `start_at`: a machine's own, a branch's or an item processor's."""

    start_at: str
    states: Mapping[str, State]


@dataclass(frozen=True)
class Definition:
    """A whole definition."""

    block: Block
    query_language: str
    timeout_seconds: int | None
    comment: str


def parse(text: str, *, express: bool = False) -> Definition:
    """Return the definition of a state machine; `express` refuses what Express machines cannot have.

    Raises InvalidDefinition where AWS refuses it.
    """
    fields, faults = validation.read(text, express=express)
    errors = [str(fault) for fault in faults if fault.severity == ERROR]
    if errors:
        raise InvalidDefinition(f"'{', '.join(errors)}'")
    language = fields.get("QueryLanguage", JSON_PATH)
    block = _block(fields, language)
    return Definition(block, language, fields.get("TimeoutSeconds"), fields.get("Comment", ""))


def faults(text: str, *, express: bool = False) -> list[Fault]:
    """Return what is wrong with a definition, as ValidateStateMachineDefinition does; nothing is raised."""
    return validation.read(text, express=express)[1]


def _block(fields: Mapping[str, Any], language: str) -> Block:
    states = {name: _state(name, state, language) for name, state in fields["States"].items()}
    return Block(fields["StartAt"], states)


def _state(name: str, fields: Mapping[str, Any], language: str) -> State:
    # Nested states have the language of the machine, not that of the state around them.
    own = fields.get("QueryLanguage", language)
    nested = [*fields.get("Branches", ())]
    nested += [fields[key] for key in ("ItemProcessor", "Iterator") if key in fields]
    return State(
        name=name,
        type=fields["Type"],
        query_language=own,
        fields=fields,
        next=None if fields.get("End") else fields.get("Next"),
        retriers=tuple(_retrier(entry) for entry in fields.get("Retry", ())),
        catchers=tuple(Catcher(tuple(entry["ErrorEquals"]), entry["Next"], entry) for entry in fields.get("Catch", ())),
        blocks=tuple(_block(block, language) for block in nested),
    )


def _retrier(entry: Mapping[str, Any]) -> Retrier:
    return Retrier(
        errors=tuple(entry["ErrorEquals"]),
        interval_seconds=entry.get("IntervalSeconds", 1),
        backoff_rate=entry.get("BackoffRate", 2.0),
        max_attempts=entry.get("MaxAttempts", 3),
        max_delay_seconds=entry.get("MaxDelaySeconds"),
        full_jitter=entry.get("JitterStrategy") == "FULL",
    )
