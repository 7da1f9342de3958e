"""Powertools' AppSyncResolver behind one envelope: each answer is `{"value": …}` or `{"error": {…}}`.

The JavaScript of the resolvers raises what is in `error`, so that a client gets `errorType`, `data` and `errorInfo`.
Without the envelope, a failing item of a batch becomes null without a word, the error of one item replaces the whole
list, and an unknown field, `arguments: null` or a mixed batch fail in ways of their own.
"""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler.appsync import AppSyncResolver
from callers import Caller, caller_of
from refusals import Refused

Event = dict[str, Any]
Envelope = dict[str, Any]
Arguments = dict[str, Any]
Parent = tuple[dict[str, Any], Caller, Arguments]
Resolve = Callable[[Caller, Arguments], Any]
ResolveMany = Callable[[list[Parent]], list[Any]]


class Requests:
    """Resolves fields by functions that take the caller and the field's arguments.

    Arguments that were not sent are missing, those that were sent as null are None.
    """

    def __init__(self) -> None:
        self._app = AppSyncResolver()

    def field(self, *names: str) -> Callable[[Resolve], Resolve]:
        """Register a function for root fields, such as `Query.getNote`."""

        def register(function: Resolve) -> Resolve:
            def resolve(**arguments: Any) -> Any:
                return function(caller_of(self._app.current_event.raw_event.get("identity")), arguments)

            for name in names:
                type_name, field = name.split(".")
                self._app.resolver(type_name=type_name, field_name=field)(resolve)
            return function

        return register

    def children(self, name: str) -> Callable[[ResolveMany], ResolveMany]:
        """Register a function for a field of many parents, such as `Notebook.notes`.

        It takes the parents, each with its caller and arguments, and returns a value for each. A value may be a
        Refused, which concerns its parent alone.
        """
        type_name, field = name.split(".")

        def register(function: ResolveMany) -> ResolveMany:
            def resolve(event: list[Any]) -> list[Any]:
                raw = [each.raw_event for each in event]
                return function([(each["source"], caller_of(each.get("identity")), each["arguments"]) for each in raw])

            self._app.batch_resolver(type_name=type_name, field_name=field)(resolve)
            return function

        return register

    def answer(self, event: Event | list[Event], context: Any) -> Envelope | list[Envelope]:
        """Resolve an event, or each event of a batch.

        Raises what no client can cause, so that it counts as an error of the function; the JavaScript of the resolvers
        hides its message from clients.
        """
        try:
            if isinstance(event, list):
                return self._batch(event, context)
            return {"value": self._app.resolve(_complete(event), context)}
        except Refused as refused:
            return _envelope(refused)
        finally:
            self._app.clear_context()

    def _batch(self, events: list[Event], context: Any) -> list[Envelope]:
        names = {(each["info"]["parentTypeName"], each["info"]["fieldName"]) for each in events}
        if len(names) != 1:
            raise ValueError(f"a batch has events of {len(names)} fields")
        try:
            values = self._app.resolve([_complete(each) for each in events], context)
        except Refused as refused:
            return [_envelope(refused)] * len(events)
        if len(values) != len(events):
            raise ValueError(f"{len(values)} answers were given to {len(events)} events")
        return [_envelope(value) for value in values]


def _envelope(value: Any) -> Envelope:
    if isinstance(value, Refused):
        return {"error": {"type": value.kind, "message": str(value), "data": value.data, "info": value.info}}
    return {"value": value}


def _complete(event: Event) -> Event:
    """Powertools raises a TypeError for a field without arguments."""
    return {**event, "arguments": event.get("arguments") or {}}
