"""What the base emulator stores of a GraphQL API, as values that a request sees unchanged while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.internals import Internal

APIS = Internal("services.appsync", "_apis")
API_KEYS = Internal("services.appsync", "_api_keys")
DATA_SOURCES = Internal("services.appsync", "_data_sources")
RESOLVERS = Internal("services.appsync", "_resolvers")
FUNCTIONS = Internal("services.appsync", "_functions")
SCHEMAS = Internal("services.appsync", "_schemas")

Record = Mapping[str, Any]


@dataclass(frozen=True)
class GraphqlApi:
    """An API as it stands when a request begins; records have AppSync's members, such as `dataSourceName`."""

    api_id: str
    account: str
    region: str
    record: Record
    """The members of GetGraphqlApi: `authenticationType`, `introspectionConfig`, `queryDepthLimit` and so on."""
    schema: str
    """The schema definition language, as deployed."""
    resolvers: Mapping[tuple[str, str], Record]
    """Resolvers by type and field: `kind`, `dataSourceName`, `code`, `pipelineConfig`, `maxBatchSize`."""
    data_sources: Mapping[str, Record]
    """Data sources by name: `type`, `serviceRoleArn`, `lambdaConfig`, `dynamodbConfig`."""
    functions: Mapping[str, Record]
    """Functions of pipelines by id."""
    api_keys: tuple[Record, ...]
    """API keys: `id`, `expires` (seconds since 1970)."""

    @property
    def arn(self) -> str:
        """The ARN of the API."""
        return f"arn:aws:appsync:{self.region}:{self.account}:apis/{self.api_id}"

    @property
    def environment(self) -> Mapping[str, str]:
        """The API's environment variables, `ctx.env` of its resolvers."""
        return dict(self.record.get("environmentVariables") or {})


def find(api_id: str) -> GraphqlApi | None:
    """The API with this id, of whatever account and Region, or None. Ids of APIs are unique here as on AWS."""
    for (account, region, found), record in APIS.current().all_items():
        if found == api_id:
            return _read(account, region, api_id, record)
    return None


def _read(account: str, region: str, api_id: str, record: dict[str, Any]) -> GraphqlApi:
    def stored(internal: Internal) -> Any:
        return internal.current().get_scoped(account, region, api_id) or {}

    # Lists, because an operation of the API may change the stores meanwhile.
    fields = list(stored(RESOLVERS).items())
    return GraphqlApi(
        api_id=api_id,
        account=account,
        region=region,
        record=dict(record),
        schema=stored(SCHEMAS).get("definition", ""),
        resolvers={(kind, field): dict(one) for kind, named in fields for field, one in list(named.items())},
        data_sources={name: dict(one) for name, one in list(stored(DATA_SOURCES).items())},
        functions={name: dict(one) for name, one in list(stored(FUNCTIONS).items())},
        api_keys=tuple(dict(one) for one in list(stored(API_KEYS).values())),
    )
