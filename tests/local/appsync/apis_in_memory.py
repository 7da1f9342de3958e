"""APIs without an embedded AWS: an executor, and data sources that are functions of the test."""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.services.appsync.data_sources import DataSources, Outcome, SourceError
from blueprints.local.services.appsync.execution import Executor
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import API_KEY, Identity, Request

Answer = Callable[[Any], Any]
"""The result of a call by its payload, which for a batch is a list; an exception becomes the source's error."""


class InMemorySources(DataSources):
    """One function answers every call; `batches` has the number of payloads in each."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("")
        self._answer = answer
        self.batches: list[int] = []
        self.seconds: list[float] = []

    def call(self, api, calls, seconds):
        self.batches.append(len(calls))
        self.seconds.append(seconds)
        payloads = [each.operation["payload"] for each in calls]
        try:
            if calls[0].batch:
                return [Outcome(each) for each in self._answer(payloads)]
            return [Outcome(self._answer(payloads[0]))]
        except Exception as error:  # noqa: BLE001
            return [Outcome(error=SourceError(str(error), "Lambda:Unhandled"))] * len(calls)


def api_of(schema: str, resolvers: Mapping[str, Mapping[str, Any]], **record: Any) -> GraphqlApi:
    """An API whose resolvers are given by `Type.field`, with one data source, `Functions`."""
    named = {tuple(name.split(".")): each for name, each in resolvers.items()}
    return GraphqlApi(
        api_id="api",
        account="000000000000",
        region="us-east-1",
        record=record,
        schema=schema,
        resolvers={
            (kind, field): {"typeName": kind, "fieldName": field, "dataSourceName": "Functions", **each}
            for (kind, field), each in named.items()
        },
        data_sources={"Functions": {"name": "Functions", "type": "AWS_LAMBDA"}},
        functions={},
        api_keys=(),
    )


def request_to(api: GraphqlApi, query: str, **variables: Any) -> Request:
    """A request of a caller with an API key."""
    return Request(api=api, identity=Identity(API_KEY, None), query=query, variables=variables)


def executor_with(
    answer: Answer, may_access: Callable[[str, str], bool] = lambda *_: True, **options: Any
) -> tuple[Executor, InMemorySources]:
    """An executor whose data sources are the function `answer`."""
    sources = InMemorySources(answer)
    executor = Executor("", lambda _api, _schema, _identity, *field: may_access(*field), sources=sources, **options)
    return executor, sources
