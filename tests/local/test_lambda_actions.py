"""The IAM action of every request to Lambda that botocore can make."""

import re

import botocore.session
import pytest

from blueprints.local.services.lambda_.actions import action_of

MODEL = botocore.session.get_session().get_service_model("lambda")
# Source: AWS Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
OTHER_NAMES = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
# They differ from another operation by the query alone, which the base emulator does not give.
BY_QUERY = {
    "GetLayerVersionByArn": "ListLayers",
    "ListProvisionedConcurrencyConfigs": "GetProvisionedConcurrencyConfig",
}


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_a_request_is_judged_by_its_operation(operation):
    http = MODEL.operation_model(operation).http
    path = re.sub(r"\{\w+\}", "name", http["requestUri"].split("?")[0])

    assert action_of(http["method"], path) == BY_QUERY.get(operation, OTHER_NAMES.get(operation, operation))


def test_a_path_that_lambda_does_not_have_is_left_to_the_base_emulator():
    assert action_of("GET", "/2015-03-31/no-such-thing") is None
