"""Resolvers of AppSync, which compute the value of one field.

context   the context object of a resolver
steps     a resolver as a generator: it yields calls of data sources and returns the field's value
code      the request and response handlers of APPSYNC_JS
"""

from blueprints.local.services.appsync.execution.resolvers.context import FieldContext
from blueprints.local.services.appsync.execution.resolvers.steps import Steps, begin

__all__ = ["FieldContext", "Steps", "begin"]
