"""Records the metrics of AWS/AppSync, by the id of the API.

Source: AWS AppSync Developer Guide, "Using CloudWatch to monitor and log GraphQL API data".
"""

from blueprints.local.base import metrics
from blueprints.local.services.appsync.http import AnsweredRequest
from blueprints.local.services.appsync.records import GraphqlApi

_NAMESPACE = "AWS/AppSync"
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500


class Metrics:
    """Records as requests and connections go on. Any thread may call it."""

    def on_answer(self, answered: AnsweredRequest) -> None:
        """Record a request over HTTP: how long it took, and whether its status is that of an error."""
        self.record(answered.api, "Latency", answered.seconds * 1000, "Milliseconds")
        self.count(answered.api, "4XXError", int(_FIRST_CLIENT_ERROR <= answered.status < _FIRST_SERVER_ERROR))
        self.count(answered.api, "5XXError", int(answered.status >= _FIRST_SERVER_ERROR))

    def count(self, api: GraphqlApi, name: str, number: int = 1) -> None:
        """Add a number of occurrences."""
        self.record(api, name, float(number))

    def record(self, api: GraphqlApi, name: str, value: float, unit: str = "Count") -> None:
        """Record a value."""
        dimensions = {"GraphQLAPIId": api.api_id}
        metrics.record(_NAMESPACE, [dimensions], [(name, value, unit)], (api.account, api.region))
