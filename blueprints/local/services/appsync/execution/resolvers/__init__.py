"""Resolvers of AppSync: how the value of one field is found.

context   what a resolver sees of the request and the field
steps     a resolver as steps: it yields calls of data sources and returns the field's value
code      the request and response handlers of APPSYNC_JS
"""

from blueprints.local.services.appsync.execution.resolvers.context import FieldContext
from blueprints.local.services.appsync.execution.resolvers.steps import Steps, begin

__all__ = ["FieldContext", "Steps", "begin"]
