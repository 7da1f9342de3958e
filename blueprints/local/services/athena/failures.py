"""How a query ends that has no answer."""


class QueryRefused(Exception):
    """The statement is not answered here; the message says which part of it and why."""


class QueryFailed(Exception):
    """A value has no answer in Athena either; the message is Athena's."""
