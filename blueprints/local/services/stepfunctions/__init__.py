"""Step Functions, in place of the base emulator's interpreter.

execution  runs executions and records their history

The Amazon States Language is in `blueprints/states_language/`, because `blueprints check` reads definitions too.
"""

from blueprints.local.base.extension import Extension


class StepFunctions(Extension):
    """State machines, their executions, versions and aliases."""


EXTENSION = StepFunctions()
