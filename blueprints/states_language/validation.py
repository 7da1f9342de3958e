"""Finds what is wrong with a definition, in the words in which AWS refuses it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from blueprints.states_language import field_values, json_faults, transitions
from blueprints.states_language import state_fields as tables
from blueprints.states_language.faults import Fault, Faults
from blueprints.states_language.field_values import Place
from blueprints.states_language.query_languages import JSON_PATH, JSONATA
from blueprints.states_language.state_fields import Field

LONGEST_DEFINITION = 1_048_576
LONGEST_STATE_NAME = 80

Fields = Mapping[str, Any]


def read(text: str, *, express: bool = False) -> tuple[dict[str, Any], list[Fault]]:
    """Return the definition as JSON, and its faults. With errors among them, the JSON may have any form."""
    faults = Faults()
    if not text.strip():
        faults.add("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", None)
        return {}, faults.found
    if len(text) > LONGEST_DEFINITION:
        faults.schema("/", f"The definition must not have more than {LONGEST_DEFINITION} characters")
        return {}, faults.found
    try:
        fields = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except ValueError as error:
        place = json_faults.source(text, error)
        faults.add("INVALID_JSON_DESCRIPTION", f"{json_faults.words(text, error)}\n at {place}", place)
        return {}, faults.found
    except RecursionError:
        faults.add("TOO_DEEPLY_NESTED", "The definition is too deeply nested", None)
        return {}, faults.found
    try:
        _check(fields, faults, express)
    except RecursionError:
        faults.add("TOO_DEEPLY_NESTED", "The states are too deeply nested", None)
    return fields, faults.found


class _WithRepeats(dict[str, Any]):
    """An object in whose text a name occurs more than once."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    names = [name for name, _ in pairs]
    repeats = _WithRepeats(fields)
    repeats.repeated = tuple(name for name in fields if names.count(name) > 1)
    return repeats


def _no_constant(name: str) -> Any:
    raise ValueError(f"Unrecognized token '{name}'")


def _check(fields: Any, faults: Faults, express: bool) -> None:
    if not isinstance(fields, dict):
        faults.schema("/", "Expected value of type Object")
        return
    language = fields.get("QueryLanguage", JSON_PATH)
    _Definition(faults, JSON_PATH if language == JSON_PATH else JSONATA, express).machine(fields)
    if not faults.errors:
        transitions.check_names(fields, faults)
        transitions.check_transitions(fields, faults)


@dataclass(frozen=True)
class _Definition:
    """The checks of a definition's form. They run before those of its transitions, which rely on the form."""

    faults: Faults
    language: str
    """The language of the whole machine; states in branches and item processors have it unless they say otherwise."""
    express: bool

    def machine(self, fields: Fields) -> None:
        self._object(fields, tables.MACHINE, self._place("", self.language), required=("StartAt", "States"))

    def _place(self, location: str, language: str) -> Place:
        return Place(self.faults, location, "", language, self.express)

    def _object(self, fields: Any, table: Mapping[str, Field], place: Place, required: Iterable[str] = ()) -> bool:
        """Check an object's fields; return whether it is an object at all."""
        if not isinstance(fields, dict):
            place.fault("Expected value of type Object")
            return False
        at = place if place.location else replace(place, location="/")
        missing = [name for name in required if name not in fields]
        if missing:
            at.fault(f"These fields are required: [{', '.join(missing)}]")
        for name, value in fields.items():
            field = table.get(name)
            if field is None:
                at.fault(f"Field '{name}' is not supported")
            elif field.language not in (None, place.language):
                at.fault(
                    f"The QueryLanguage is set to '{place.language}', but field '{name}' is only supported for the "
                    f"'{field.language}' QueryLanguage"
                )
            else:
                self._value(value, field, place.inside(name))
        return True

    def _value(self, value: Any, field: Field, place: Place) -> None:
        nested = self._nested.get(field.kind)
        if nested is not None:
            nested(value, place)
        else:
            field_values.check(value, field, place)

    @cached_property
    def _nested(self) -> dict[str, Callable[[Any, Place], None]]:
        return {
            "states": self._states,
            "branches": self._branches,
            "processor": self._processor,
            "processor configuration": self._processor_configuration,
            "retriers": self._retriers,
            "catchers": self._catchers,
            "error names": self._error_names,
            "choices": self._choices,
            "item reader": self._item_reader,
            "reader configuration": self._reader_configuration,
            "item batcher": self._item_batcher,
            "result writer": self._result_writer,
            "writer configuration": self._writer_configuration,
        }

    def _states(self, states: Any, place: Place) -> None:
        if not isinstance(states, dict):
            place.fault("Expected value of type Object")
            return
        for name in getattr(states, "repeated", ()):
            self.faults.add("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", place.inside(name).location)
        for name, state in states.items():
            at = place.inside(name)
            if not name or len(name) > LONGEST_STATE_NAME:
                message = f"State name must have 1 to {LONGEST_STATE_NAME} characters: {name}"
                self.faults.add("INVALID_STATE_NAME", message, at.location)
            self._state(state, at)

    def _state(self, state: Any, place: Place) -> None:
        if not isinstance(state, dict):
            place.fault("Expected value of type Object")
            return
        kind = state.get("Type")
        if kind is None:
            place.fault("These fields are required: [Type]")
            return
        if not isinstance(kind, str) or kind not in tables.STATE_FIELDS:
            types = "Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map"  # in the order of AWS's message
            place.inside("Type").fault(f"The field 'Type' should have one of these values: [{types}]")
            return
        at = replace(place, language=self._language_of(state, place))
        self._object(state, tables.STATE_FIELDS[kind], at, tables.REQUIRED.get(kind, ()))
        self._combinations(state, kind, at)

    def _language_of(self, state: Fields, place: Place) -> str:
        own = state.get("QueryLanguage")
        if own is None:
            return self.language
        if own == JSON_PATH and self.language == JSONATA:
            place.fault("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
            return JSONATA
        return JSON_PATH if own == JSON_PATH else JSONATA

    def _combinations(self, state: Fields, kind: str, place: Place) -> None:
        for names in tables.EXACTLY_ONE.get(kind, ()):
            if not any(name in state for name in names):
                place.fault(f"One of these fields is required: [{', '.join(names)}]")
        together = (*tables.EXACTLY_ONE.get(kind, ()), *tables.AT_MOST_ONE.get(kind, ()))
        if "Next" in tables.STATE_FIELDS[kind]:
            _check_continuation(state, place)
        for names in together:
            _at_most_one(state, names, place)
        if kind == "Task":
            _check_heartbeat(state, place)
            _check_credentials(state, place)
        if kind == "Map":
            self._check_map(state, place)

    def _check_map(self, state: Fields, place: Place) -> None:
        processor = state.get("ItemProcessor", state.get("Iterator"))
        configuration = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        distributed = isinstance(configuration, dict) and configuration.get("Mode") == "DISTRIBUTED"
        if not distributed:
            for name in tables.DISTRIBUTED_ONLY:
                if name in state:
                    place.fault(f"Field '{name}' is not supported")
        elif place.express:
            place.fault("Express state machine does not support DISTRIBUTED mode of Map state")
        elif "ExecutionType" not in (configuration or {}):
            at = place.inside("ItemProcessor" if "ItemProcessor" in state else "Iterator").inside("ProcessorConfig")
            at.fault("These fields are required: [ExecutionType]")

    def _branches(self, branches: Any, place: Place) -> None:
        if not isinstance(branches, list) or not branches:
            place.fault("Value cannot be empty" if branches == [] else "Expected value of type Array")
            return
        for index, branch in enumerate(branches):
            self._block(branch, tables.BRANCH, place.inside(index), self)

    def _processor(self, processor: Any, place: Place) -> None:
        inner = self
        configuration = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        if isinstance(configuration, dict) and configuration.get("Mode") == "DISTRIBUTED":
            inner = replace(self, express=configuration.get("ExecutionType") == "EXPRESS")
        self._block(processor, tables.PROCESSOR, place, inner)

    def _block(self, fields: Any, table: Mapping[str, Field], place: Place, inner: "_Definition") -> None:
        at = inner._place(place.location, self.language)  # noqa: SLF001  # of the same class
        inner._object(fields, table, at, required=("StartAt", "States"))  # noqa: SLF001

    def _processor_configuration(self, configuration: Any, place: Place) -> None:
        self._object(configuration, tables.PROCESSOR_CONFIGURATION, place)

    def _retriers(self, retriers: Any, place: Place) -> None:
        for entry, at in _entries(retriers, place):
            if self._object(entry, tables.RETRIER, at, required=("ErrorEquals",)):
                _check_delays(entry, at)
        _check_all_is_last(retriers, place)

    def _catchers(self, catchers: Any, place: Place) -> None:
        for entry, at in _entries(catchers, replace(place, in_catcher=True)):
            self._object(entry, tables.CATCHER, at, required=("ErrorEquals", "Next"))
        _check_all_is_last(catchers, place)

    def _error_names(self, names: Any, place: Place) -> None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            place.fault("Expected value of type Array of Strings")
        elif not names:
            place.fault("Array must have at least one element")

    def _choices(self, choices: Any, place: Place) -> None:
        if choices == []:
            place.fault("Array must have at least one element")
        for entry, at in _entries(choices, place):
            if place.language == JSONATA:
                table = tables.CHOICE | {"Condition": Field("boolean", takes_expression=True)}
                self._object(entry, table, at, required=("Condition", "Next"))
            else:
                self._rule(entry, at, tables.CHOICE, required=("Next",))

    def _rule(self, rule: Any, place: Place, table: Mapping[str, Field], required: tuple[str, ...] = ()) -> None:
        if not isinstance(rule, dict):
            place.fault("Expected value of type Object")
            return
        combined = [name for name in ("And", "Or", "Not") if name in rule]
        tests = [name for name in rule if name in tables.CHOICE_OPERANDS]
        if len(combined) + len(tests) != 1:
            place.fault("Exactly one comparison operator is required: a test, And, Or or Not")
            return
        operands = {} if combined else {"Variable": Field("compared path"), tests[0]: tables.CHOICE_OPERANDS[tests[0]]}
        needed = required if combined else ("Variable", *required)
        known = {name: value for name, value in rule.items() if name not in combined}
        self._object(known, {**table, **operands}, place, required=needed)
        for name in combined:
            self._combined(rule[name], name, place.inside(name))

    def _combined(self, operand: Any, name: str, place: Place) -> None:
        inner = {"Comment": tables.CHOICE["Comment"]}
        if name == "Not":
            self._rule(operand, place, inner)
            return
        if operand == []:
            place.fault("Array must have at least one element")
        for rule, at in _entries(operand, place):
            self._rule(rule, at, inner)

    def _item_reader(self, reader: Any, place: Place) -> None:
        self._object(reader, tables.ITEM_READER, place, required=("Resource",))

    def _reader_configuration(self, configuration: Any, place: Place) -> None:
        if self._object(configuration, tables.READER_CONFIGURATION, place):
            _at_most_one(configuration, ("MaxItems", "MaxItemsPath"), place)
            if configuration.get("CSVHeaderLocation") == "GIVEN" and not configuration.get("CSVHeaders"):
                place.fault("These fields are required: [CSVHeaders]")

    def _item_batcher(self, batcher: Any, place: Place) -> None:
        if self._object(batcher, tables.ITEM_BATCHER, place):
            _at_most_one(batcher, ("MaxItemsPerBatch", "MaxItemsPerBatchPath"), place)
            _at_most_one(batcher, ("MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"), place)
            if not any(name in batcher for name in tables.BATCH_LIMITS):
                place.fault(f"One of these fields is required: [{', '.join(tables.BATCH_LIMITS)}]")

    def _result_writer(self, writer: Any, place: Place) -> None:
        self._object(writer, tables.RESULT_WRITER, place)

    def _writer_configuration(self, configuration: Any, place: Place) -> None:
        self._object(configuration, tables.WRITER_CONFIGURATION, place)


def _entries(value: Any, place: Place) -> Iterable[tuple[Any, Place]]:
    if not isinstance(value, list):
        place.fault("Expected value of type Array")
        return
    for index, entry in enumerate(value):
        yield entry, place.inside(index)


def _at_most_one(fields: Fields, names: tuple[str, ...], place: Place) -> None:
    if sum(name in fields for name in names) > 1:
        place.fault(f"There should only be one of the following fields: [{', '.join(names)}]")


def _check_continuation(state: Fields, place: Place) -> None:
    if "Next" in state and state.get("End") is True:
        place.fault("There should only be one of the following fields: [Next, End]")
    elif "Next" not in state and state.get("End") is not True:
        place.fault("These fields are required: [Next] or [End]")


def _check_heartbeat(state: Fields, place: Place) -> None:
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        place.inside("HeartbeatSeconds").fault("HeartbeatSeconds must be smaller than TimeoutSeconds")


def _check_credentials(state: Fields, place: Place) -> None:
    if "Credentials" not in state:
        return
    credentials, at = state["Credentials"], place.inside("Credentials")
    names = ("RoleArn",) if place.language == JSONATA else ("RoleArn", "RoleArn.$")
    if not isinstance(credentials, dict):
        at.fault("Expected value of type Object")
    elif not any(name in credentials for name in names):
        at.fault("These fields are required: [RoleArn]")
    elif not isinstance(credentials.get("RoleArn", ""), str):
        at.inside("RoleArn").fault("Expected value of type String")


def _check_delays(retrier: Fields, place: Place) -> None:
    interval, most = retrier.get("IntervalSeconds", 1), retrier.get("MaxDelaySeconds")
    if isinstance(interval, int) and isinstance(most, int) and most <= interval:
        place.inside("MaxDelaySeconds").fault("MaxDelaySeconds must be greater than IntervalSeconds")


def _check_all_is_last(entries: Any, place: Place) -> None:
    if not isinstance(entries, list):
        return
    for index, entry in enumerate(entries):
        names = entry.get("ErrorEquals") if isinstance(entry, dict) else None
        if not isinstance(names, list) or "States.ALL" not in names:
            continue
        if len(names) > 1 or index != len(entries) - 1:
            at = place.inside(index).inside("ErrorEquals").inside(names.index("States.ALL"))
            at.fault("States.ALL must appear alone and at end of list")
