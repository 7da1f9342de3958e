"""The context object of a resolver: the request and the field.

Source: AWS AppSync Developer Guide, "AWS AppSync JavaScript resolver context object reference".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.services.appsync.javascript import Evaluation
from blueprints.local.services.appsync.requests import GraphqlError, Request


@dataclass(eq=False)
class FieldContext:
    """One field that is being resolved."""

    request: Request
    arguments: Mapping[str, Any]
    source: Any
    """The value of the parent object; None for a root field."""
    info: Mapping[str, Any]
    """`fieldName`, `parentTypeName`, `variables`, `selectionSetList` and `selectionSetGraphQL`."""
    stash: Mapping[str, Any] = field(default_factory=dict)
    appended_errors: list[GraphqlError] = field(default_factory=list)
    """Errors that handlers appended with `util.appendError`; the field keeps its value."""
    subscription_filter: Any = None
    """The argument of `extensions.setSubscriptionFilter`."""
    invalidation_filter: Any = None
    """The argument of `extensions.setSubscriptionInvalidationFilter`."""
    invalidations: list[Mapping[str, Any]] = field(default_factory=list)
    """The arguments of `extensions.invalidateSubscriptions`."""
    response_headers: dict[str, str] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    """The lines that handlers logged."""

    def record(self, evaluation: Evaluation) -> None:
        """Keep the side effects of a handler: stash, appended errors, filters, headers and logs."""
        self.stash = evaluation.stash
        self.appended_errors += evaluation.errors
        self.subscription_filter = evaluation.subscription_filter or self.subscription_filter
        self.invalidation_filter = evaluation.invalidation_filter or self.invalidation_filter
        self.invalidations += evaluation.invalidations
        self.response_headers.update(evaluation.response_headers)
        self.logs += evaluation.logs

    def event(self, prev: Mapping[str, Any] | None) -> dict[str, Any]:
        """The event of a direct Lambda resolver; in a pipeline, `prev` has the `result` of what came before."""
        return {
            "arguments": self.arguments,
            "identity": self.request.identity.context,
            "source": self.source,
            "request": {
                "headers": {**self.request.headers, **self.request.credentials},
                "domainName": self.request.domain_name,
            },
            "prev": prev,
            "info": self.info,
            "stash": self.stash,
        }
