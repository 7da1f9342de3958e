"""Data sources of type AMAZON_DYNAMODB."""

from blueprints.local.services.appsync.data_sources.calls import Call, Outcome, SourceFailed
from blueprints.local.services.appsync.data_sources.roles import Roles
from blueprints.local.services.appsync.records import GraphqlApi


class DynamoDbTables:
    """Calls DynamoDB with the operations of resolvers."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def call(self, api: GraphqlApi, call: Call, seconds: float) -> Outcome:  # noqa: ARG002
        """Make one call. Raises SourceFailed."""
        raise SourceFailed("BadRequestException", "Data sources of type AMAZON_DYNAMODB are not emulated yet.")
