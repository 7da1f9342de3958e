"""The base emulator recognises a service that it does not emulate without reading the models of all services."""

import json
import urllib.error
import urllib.request

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from blueprints.local.base.service_models import IS_AWS_SERVICE_NAME, knows_service_name
from blueprints.local.cloud import Cloud


def unexpected(scope_name):
    raise AssertionError(f"the models of all services are read for {scope_name}")


def test_the_name_of_a_service_is_enough():
    is_known = knows_service_name(unexpected)

    assert all(is_known(each) for each in botocore.session.get_session().get_available_services())


@pytest.mark.parametrize("scope_name", ["sso-oauth", "awsssooidc", "no-such-service", ""])
def test_any_other_name_is_answered_as_by_the_base_emulator(scope_name):
    """Signing names and endpoint prefixes may differ from the name of the service."""
    original = IS_AWS_SERVICE_NAME.current()

    assert knows_service_name(original)(scope_name) == original(scope_name)


def test_a_request_to_a_service_that_is_not_emulated_is_answered_with_its_name():
    with Cloud() as cloud:
        request = AWSRequest("POST", cloud.endpoint, data="{}", headers={"Host": cloud.endpoint.partition("//")[2]})
        names = cloud.environment()
        keys = Credentials(names["AWS_ACCESS_KEY_ID"], names["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, "codecommit", "us-east-1").add_auth(request)
        sent = urllib.request.Request(cloud.endpoint, b"{}", dict(request.headers.items()))

        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(sent)

        assert json.loads(refused.value.read()) == {"error": "Unsupported service: codecommit"}
