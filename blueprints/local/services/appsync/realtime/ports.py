"""What realtime needs of the rest of AppSync: to authenticate callers, and to execute subscriptions."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import Identity, Request, Response


class Prepared(Protocol):
    """A subscription whose document is valid, whose caller may read it, and whose resolver has run."""

    @property
    def field_name(self) -> str:
        """The field of the type Subscription."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments that the client gave, coerced; those it left out are missing."""

    @property
    def mutations(self) -> tuple[str, ...]:
        """The mutations in the field's @aws_subscribe."""

    @property
    def filter(self) -> Mapping[str, Any] | None:
        """What the resolver gave to `extensions.setSubscriptionFilter`."""

    @property
    def invalidation(self) -> Mapping[str, Any] | None:
        """What the resolver gave to `extensions.setSubscriptionInvalidationFilter`."""

    @property
    def selection_key(self) -> tuple[Any, ...]:
        """Equal for subscriptions that answer a mutation with the same response."""


class Mutation(Protocol):
    """A root field of a mutation that was successful."""

    @property
    def request(self) -> Request:
        """The request with the mutation."""

    @property
    def field_name(self) -> str:
        """The field of the type Mutation."""

    @property
    def value(self) -> Mapping[str, Any]:
        """What the mutation selected, by the names of fields."""


class Execution(Protocol):
    """Executes subscriptions; every method blocks and may be called by any thread."""

    def prepare_subscription(self, request: Request) -> Any:
        """A `Prepared` subscription. Raises GraphqlError, or RequestErrors with several."""

    def select(self, subscription: Any, mutation_value: Mapping[str, Any]) -> Response:
        """What a subscription selects of the value that a mutation has selected."""


class Authenticate(Protocol):
    """Finds out who makes a request by its headers. Raises Unauthorized."""

    def __call__(
        self, api: GraphqlApi, headers: Mapping[str, str], *, path: str, body: bytes, operation: Any
    ) -> Identity:
        """The identity; `path` and `body` are those that a signature of AWS_IAM covers."""


FindApi = Callable[[str], GraphqlApi | None]
"""Finds an API by its id."""
