"""Step Functions, in place of the base emulator's interpreter.

language   the Amazon States Language: definitions, JSONPath, JSONata, intrinsic functions, choice rules
execution  runs executions and records their history
"""

from blueprints.local.base.extension import Extension


class StepFunctions(Extension):
    """State machines, their executions, versions and aliases."""


EXTENSION = StepFunctions()
