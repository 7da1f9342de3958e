"""Finds the function that a user names by its logical id, handler or FunctionName."""

from blueprints.errors import BlueprintError, at
from blueprints.pattern import Pattern
from blueprints.template.reading import load
from blueprints.template.schemas import advice

_TYPES = ("AWS::Serverless::Function", "AWS::Lambda::Function")


def logical_id_of(pattern: Pattern, name: str) -> str:
    """The logical id of the function called `name`.

    Raises BlueprintError, which lists the functions, if none or several have that name.
    """
    template = load(pattern.template)
    functions = {
        logical_id: [
            value
            for key in ("Handler", "FunctionName")
            if isinstance(value := template.value(template.properties(logical_id).get(key)), str)
        ]
        for logical_id in template.of_type(*_TYPES)
    }
    if name in functions:
        return name
    called = [logical_id for logical_id, names in functions.items() if name in names]
    if len(called) == 1:
        return called[0]
    listed = ", ".join(f"{each} ({', '.join(names)})" if names else each for each, names in functions.items())
    if called:
        raise BlueprintError(
            f"{name} is the handler of several functions: {', '.join(called)}.",
            where=at(pattern.template),
            advice="Give the logical id of one of them.",
        )
    known = [*functions, *(each for names in functions.values() for each in names)]
    meant = advice(name, known, " ")
    raise BlueprintError(
        f"{pattern.name} has no function {name}.",
        where=at(pattern.template),
        advice=f"{meant[:1].upper()}{meant[1:]} It has: {listed or 'none'}.".strip(),
    )
