"""Calls the data source that a resolver names."""

import logging
from collections.abc import Sequence

from blueprints.local.services.appsync.data_sources.calls import Call, Outcome, SourceError, SourceFailed
from blueprints.local.services.appsync.data_sources.dynamodb import DynamoDbTables
from blueprints.local.services.appsync.data_sources.lambda_functions import LambdaFunctions
from blueprints.local.services.appsync.data_sources.roles import Roles
from blueprints.local.services.appsync.records import GraphqlApi

EMULATED_TYPES = ("AMAZON_DYNAMODB", "AWS_LAMBDA", "NONE")
"""The types of data sources that can be called here."""

log = logging.getLogger(__name__)


class DataSources:
    """The data sources of every API. Calls block and may come from any thread."""

    def __init__(self, endpoint: str) -> None:
        self._roles = Roles(endpoint)
        self._functions = LambdaFunctions(self._roles)
        self._tables = DynamoDbTables(self._roles)

    def call(self, api: GraphqlApi, calls: Sequence[Call], seconds: float) -> list[Outcome]:
        """Make one call, or several as one batch; returns an outcome for each, also if the source fails."""
        source = calls[0].source
        try:
            if source["type"] == "AWS_LAMBDA":
                return self._functions.call(api, calls, seconds)
            if source["type"] == "AMAZON_DYNAMODB":
                return [self._tables.call(api, each) for each in calls]
            if source["type"] == "NONE":
                return [Outcome(each.operation.get("payload")) for each in calls]
            raise SourceFailed("BadRequestException", f"Data sources of type {source['type']} are not emulated.")
        except SourceFailed as failure:
            return [failure.outcome] * len(calls)
        except Exception as error:
            log.exception("a call of the AppSync data source %s failed", source["name"])
            return [Outcome(error=SourceError(f"{type(error).__name__}: {error}", "InternalFailure"))] * len(calls)

    def reset(self) -> None:
        """Forget the credentials of roles."""
        self._roles.reset()

    def close(self) -> None:
        """End what was started."""
        self._functions.close()
