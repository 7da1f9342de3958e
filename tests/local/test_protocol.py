"""Requests of any form are read as the model says, or are the client's error."""

import pytest

from blueprints.local.base.protocol import Request, ServiceError
from blueprints.local.services.codepipeline.pipelines import API as PIPELINES
from blueprints.local.services.serverlessrepo.model import API as REPOSITORY

TOO_DEEP = 5_000


def read_json_call(operation, body):
    headers = {"x-amz-target": f"CodePipeline_20150709.{operation}"}
    return PIPELINES.read(Request("POST", "/", {}, headers, body))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * TOO_DEEP + b"]" * TOO_DEEP,
        b'{"name": ' + b'{"a":' * TOO_DEEP + b"1" + b"}" * TOO_DEEP + b"}",
        b'{"name": "web", "version": "' + b"9" * 5000 + b'"}',
        b'{"name": "web", "version": ' + b"9" * 5000 + b"}",
        b'{"name": ["web"]}',
        b'{"name": null}',
        b"{}",
        b"[]",
        b"\xff\xfe",
    ],
    ids=["deep list", "deep object", "long text", "long number", "type", "null", "missing", "list", "encoding"],
)
def test_a_body_that_does_not_fit_the_model_is_the_clients_error(body):
    with pytest.raises(ServiceError) as error:
        read_json_call("GetPipeline", body)

    assert error.value.code == "ValidationException"


@pytest.mark.parametrize("number", ["many", "-1", "9" * 5000])
def test_a_query_that_does_not_fit_the_model_is_the_clients_error(number):
    with pytest.raises(ServiceError) as error:
        REPOSITORY.read(Request("GET", "/applications", {"maxItems": number}, {}, b""))

    assert error.value.code == "BadRequestException"


def test_a_null_and_an_unknown_member_count_as_absent():
    call = read_json_call("GetPipeline", b'{"name": "web", "version": null, "other": 1}')

    assert call.parameters == {"name": "web"}


def test_a_path_is_decoded_after_it_is_split():
    call = REPOSITORY.read(Request("GET", "/applications/arn%3Aaws%3Ax%2Fy", {}, {}, b""))

    assert (call.operation, call.parameters) == ("GetApplication", {"ApplicationId": "arn:aws:x/y"})
