"""Checks where the states of a definition lead."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.states_language.faults import Faults

_ENDS = ("Succeed", "Fail")


def check_names(fields: Mapping[str, Any], faults: Faults) -> None:
    """Add the faults of names: those of states and labels are unique in the whole definition."""
    states: set[str] = set()
    labels: set[str] = set()
    for block, location in blocks(fields, ""):
        for name, state in block["States"].items():
            if name in states:
                faults.add("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", f"{location}/States/{name}")
            states.add(name)
            label = state.get("Label")
            if label in labels:
                faults.add("DUPLICATE_LABEL_NAME", f"Duplicate Label name: {label}", f"{location}/States/{name}/Label")
            if label is not None:
                labels.add(label)


def check_transitions(fields: Mapping[str, Any], faults: Faults) -> None:
    """Add the faults of targets that do not exist, of states that nothing leads to, and of blocks without an end."""
    for block, location in blocks(fields, ""):
        _check_block(block, location, faults)


def blocks(fields: Mapping[str, Any], location: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the machine's own block and all blocks inside it, each with its place."""
    yield fields, location
    for name, state in fields["States"].items():
        place = f"{location}/States/{name}"
        for index, branch in enumerate(state.get("Branches", ())):
            yield from blocks(branch, f"{place}/Branches[{index}]")
        for key in ("ItemProcessor", "Iterator"):
            if key in state:
                yield from blocks(state[key], f"{place}/{key}")


def _check_block(block: Mapping[str, Any], location: str, faults: Faults) -> None:
    states = block["States"]
    targets = {block["StartAt"]: f"{location}/StartAt"}
    reached = {block["StartAt"]}
    missing = [] if block["StartAt"] in states else list(targets.items())
    for name, state in states.items():
        for target, place in _targets(state, f"{location}/States/{name}"):
            if target not in states:
                missing.append((target, place))
            elif target != name:
                reached.add(target)
    for target, place in missing:
        faults.add("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", place)
    if not any(state.get("End") is True or state["Type"] in _ENDS for state in states.values()):
        faults.add("MISSING_END_STATE", "Workflow has no terminal state", None)
        return
    for name in states:
        if name not in reached:
            place = f"{location}/States/{name}"
            faults.add("MISSING_TRANSITION_TARGET", f'State "{name}" is not reachable.', place)


def _targets(state: Mapping[str, Any], location: str) -> Iterator[tuple[str, str]]:
    for field in ("Next", "Default"):
        if field in state:
            yield state[field], f"{location}/{field}"
    for field in ("Choices", "Catch"):
        for index, entry in enumerate(state.get(field, ())):
            yield entry["Next"], f"{location}/{field}[{index}]/Next"
