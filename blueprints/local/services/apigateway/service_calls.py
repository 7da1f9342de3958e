"""Calls of API Gateway to actions of services with a JSON protocol, in the role of an integration."""

from functools import cache

import botocore.loaders
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from botocore.model import ServiceModel

from blueprints.local.services.iam import assume_role

_SERVICE = "apigateway.amazonaws.com"
_SECONDS = 29
_MODELS = {"states": "stepfunctions"}


def call_action(endpoint: str, role: str, region: str, service: str, action: str, body: str) -> tuple[int, str]:
    """Call an action in the integration's role; returns the status and the body of the answer."""
    session = assume_role(role, _SERVICE, "BackplaneAssumeRoleSession", region, endpoint)
    model = model_of(service)
    assert model
    headers = {
        "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
        "X-Amz-Target": f"{model.metadata['targetPrefix']}.{action}",
    }
    request = AWSRequest("POST", f"{endpoint}/", headers, body.encode())
    credentials = Credentials(session.access_key, session.secret_key, session.session_token)
    SigV4Auth(credentials, model.signing_name, region).add_auth(request)
    response = URLLib3Session(timeout=_SECONDS, proxies={}).send(request.prepare())
    return response.status_code, response.text


@cache
def model_of(service: str) -> ServiceModel | None:
    """Botocore's model of a service with a JSON protocol; None for other services."""
    loader, name = botocore.loaders.Loader(), _MODELS.get(service, service)
    if not service or name not in loader.list_available_services("service-2"):
        return None
    model = ServiceModel(loader.load_service_model(name, "service-2"), name)
    return model if model.protocol == "json" else None
