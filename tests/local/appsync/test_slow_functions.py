"""A function that does not answer before a request's time limit."""

import asyncio
from types import SimpleNamespace

import pytest

from blueprints.local.services.appsync.data_sources import Call, SourceError, lambda_functions
from blueprints.local.services.appsync.data_sources.calls import SourceFailed
from blueprints.local.services.appsync.data_sources.lambda_functions import LambdaFunctions
from tests.local.appsync.apis_in_memory import api_of


def test_call_ends_at_the_time_limit_and_the_function_goes_on(monkeypatch):
    ended = []

    async def invoke(*_, **__):
        await asyncio.sleep(0.05)
        ended.append(True)

    monkeypatch.setattr(lambda_functions, "invoke", invoke)
    functions = LambdaFunctions(SimpleNamespace(assume=lambda *_: None))
    source = {"name": "Functions", "type": "AWS_LAMBDA", "lambdaConfig": {"lambdaFunctionArn": "arn"}}
    call = Call(source, {"operation": "Invoke", "payload": {}})
    with pytest.raises(SourceFailed) as failed:
        functions.call(api_of("type Query { a: Int }", {}), [call], 0.001)
    assert failed.value.outcome.error == SourceError("Execution timed out.", "Lambda:ExecutionTimeoutException")
    functions._calls.run(asyncio.sleep(0.1), 10)
    functions.close()
    assert ended == [True]
