"""What a call needs is found for any request: what a client sends may be anything."""

import json

import pytest
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.local.services.iam.authorizations import Authorization, Call, authorizers

MODELS = {
    "dynamodbstreams": "dynamodbstreams",
    "monitoring": "cloudwatch",
    "elasticmapreduce": "emr",
    "states": "stepfunctions",
}
"""Names of botocore's models where they differ from the router's names of services."""

TEXT = st.sampled_from(["", "*", "name", "a:b:c", "arn:aws:sqs:us-east-1:1:q", "arn:", "::::::", "/", "a/b/c", "é"])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


def operations(service):
    """The operations of a service, each with the names of its parameters and its place in the API."""
    model = Session().get_service_model(MODELS.get(service, service))
    for name in model.operation_names:
        operation = model.operation_model(name)
        yield name, sorted(operation.input_shape.members) if operation.input_shape else [], operation.http


KNOWN = {service: list(operations(service)) for service in sorted(authorizers())}


def call(service, operation, http, request, query):
    path = http["requestUri"].replace("{", "").replace("}", "").replace("+", "").partition("?")[0]
    body = json.dumps(request).encode()
    return Call(service, operation, http["method"], path, {}, body, query, "us-east-1", "000000000000")


@pytest.mark.parametrize("service", KNOWN)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_request_has_authorizations(service, data):
    operation, names, http = data.draw(st.sampled_from(KNOWN[service]))
    fields = st.dictionaries(st.sampled_from(names or ["x"]), VALUE, max_size=4)
    asked = call(service, operation, http, data.draw(fields | VALUE), data.draw(st.just({}) | fields))

    found = authorizers()[service](asked)

    assert all(isinstance(each, Authorization) for each in found)
    assert all(isinstance(each.action, str) and ":" in each.action for each in found)
    assert all(isinstance(each.resource, str) and each.resource for each in found)
    assert all(isinstance(key, str) for each in found for key in each.keys)
