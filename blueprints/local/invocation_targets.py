"""Finds the function or state machine that a user names by its logical id, handler or name."""

from dataclasses import dataclass

from blueprints.errors import BlueprintError, at
from blueprints.pattern import Pattern
from blueprints.template.reading import load
from blueprints.template.schemas import advice

_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_STATE_MACHINES = ("AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine")
_NAMES = ("Handler", "FunctionName", "Name", "StateMachineName")


@dataclass(frozen=True)
class Target:
    """What `blueprints invoke` invokes."""

    logical_id: str
    is_state_machine: bool


def find_target(pattern: Pattern, name: str) -> Target:
    """The function or state machine called `name`.

    Raises BlueprintError, which lists them, if none or several have that name.
    """
    template = load(pattern.template)
    targets = {
        logical_id: [
            value
            for key in _NAMES
            if isinstance(value := template.value(template.properties(logical_id).get(key)), str)
        ]
        for logical_id in template.of_type(*_FUNCTIONS, *_STATE_MACHINES)
    }
    called = [name] if name in targets else [logical_id for logical_id, names in targets.items() if name in names]
    if len(called) == 1:
        return Target(called[0], called[0] in template.of_type(*_STATE_MACHINES))
    listed = ", ".join(f"{each} ({', '.join(names)})" if names else each for each, names in targets.items())
    if called:
        raise BlueprintError(
            f"{name} is the name of several: {', '.join(called)}.",
            where=at(pattern.template),
            advice="Give the logical id of one of them.",
        )
    known = [*targets, *(each for names in targets.values() for each in names)]
    meant = advice(name, known, " ")
    raise BlueprintError(
        f"{pattern.name} has no function or state machine {name}.",
        where=at(pattern.template),
        advice=f"{meant[:1].upper()}{meant[1:]} It has: {listed or 'none'}.".strip(),
    )
