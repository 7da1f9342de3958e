"""Executes GraphQL operations as AppSync does.

documents            parses, validates and caches documents
validation_messages  validation errors in AppSync's words
variables            coerces the variables of a request
selection_sets       `info` of resolvers, and errors cut to the selection set
engine               executes an operation level by level
driver               runs resolvers concurrently and batches their calls
results              the tree of values, and its conversion into a response
resolvers            compute the value of one field
subscriptions        a subscription that is ready to receive events
executor             executes requests from any thread
"""

from blueprints.local.services.appsync.execution.documents import UnreadableDocument
from blueprints.local.services.appsync.execution.executor import Executor, InvalidRequest, Mutation
from blueprints.local.services.appsync.execution.subscriptions import Subscription, SubscriptionRefused

__all__ = ["Executor", "InvalidRequest", "Mutation", "Subscription", "SubscriptionRefused", "UnreadableDocument"]
