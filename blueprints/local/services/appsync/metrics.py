"""Records the metrics of AWS/AppSync, by the id of the API.

Source: AWS AppSync Developer Guide, "Using CloudWatch to monitor and log GraphQL API data".
"""

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.records import GraphqlApi

SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
RECORD = Internal("services.cloudwatch", "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions"))

_NAMESPACE = "AWS/AppSync"
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500


class Metrics:
    """Records as requests and connections go on. Any thread may call it."""

    def on_request(self, api: GraphqlApi, status: int, milliseconds: float) -> None:
        """Record an HTTP request that was answered: how long it took, and whether its status is an error's."""
        self.record(api, "Latency", milliseconds, "Milliseconds")
        self.count(api, "4XXError", int(_FIRST_CLIENT_ERROR <= status < _FIRST_SERVER_ERROR))
        self.count(api, "5XXError", int(status >= _FIRST_SERVER_ERROR))

    def count(self, api: GraphqlApi, name: str, number: int = 1) -> None:
        """Add a number of occurrences."""
        self.record(api, name, float(number))

    def record(self, api: GraphqlApi, name: str, value: float, unit: str = "Count") -> None:
        """Record a value."""
        with SCOPE.current()(api.account, api.region):
            RECORD.current()(_NAMESPACE, name, value, unit=unit, dimensions={"GraphQLAPIId": api.api_id})
