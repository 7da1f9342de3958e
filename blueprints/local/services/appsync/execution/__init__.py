"""Executes GraphQL operations as AppSync does.

documents            reads and validates documents, and keeps them
validation_messages  validation errors in AppSync's words
variables            coerces the variables of a request
selection_sets       `info` of resolvers, and errors cut to the selection set
engine               executes an operation level by level
driver               runs resolvers at once, and sends their calls together
results              the tree of values, and the response it becomes
resolvers            how the value of one field is found
subscriptions        what a subscription selects, and its answers
executor             all of it together, for requests from any thread
"""

from blueprints.local.services.appsync.execution.documents import UnreadableDocument
from blueprints.local.services.appsync.execution.executor import Executor, InvalidRequest, Mutation
from blueprints.local.services.appsync.execution.subscriptions import Subscription, SubscriptionRefused

__all__ = ["Executor", "InvalidRequest", "Mutation", "Subscription", "SubscriptionRefused", "UnreadableDocument"]
