"""HTTP tasks (`http:invoke`): requests to any HTTPS endpoint, with the authorization of an EventBridge connection.

Source: AWS Step Functions Developer Guide, "Call HTTPS APIs in Step Functions workflows".
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.base.urls import with_local_urls
from blueprints.local.services.iam import may, principal_of
from blueprints.local.services.stepfunctions.tasks import http_requests
from blueprints.local.services.stepfunctions.tasks.attempt import TaskAttempt
from blueprints.local.services.stepfunctions.tasks.form_bodies import array_format, form
from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

CONNECTIONS = Internal("services.eventbridge", "_connections")
AUTHORIZATION = Internal("services.eventbridge", "_connection_auth_headers", ("conn", "token_key", "force_refresh"))
SET_REGION = Internal("core.responses", "set_request_region", ("region",))

_FIELDS = ("ApiEndpoint", "Authentication", "Headers", "Method", "QueryParameters", "RequestBody", "Transform")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FORM = "application/x-www-form-urlencoded"
_SECONDS = 60
_PERMISSION = "States.Http.Permission"


def checked(arguments: Any) -> Mapping[str, Any]:
    """The arguments of a request. Raises UnusableArguments."""
    http_requests.check(arguments, _FIELDS, ("ApiEndpoint", "Method", "Authentication"), _METHODS)
    url = urlsplit(str(arguments["ApiEndpoint"]))
    # What runs on this machine has no certificate, such as the local URL of a function.
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
        raise UnusableArguments(["The value for the field 'ApiEndpoint' must be a URL that begins with https://"])
    given: Mapping[str, Any] = arguments
    array_format(given.get("Transform") or {})
    return given


def call_endpoint(caller: Caller, task: TaskAttempt, given: Mapping[str, Any]) -> dict[str, Any]:
    """Send the request and return its response; blocks. Raises StateFailed, also for a status of 400 and above."""
    connection_arn = str((given["Authentication"] or {}).get("ConnectionArn", ""))
    _check_permissions(caller, task, given, connection_arn)
    connection = _connection(caller, connection_arn)
    name = str(connection["Name"])
    added = (connection.get("AuthParameters") or {}).get("InvocationHttpParameters") or {}
    body, content_type = _body(given, _pairs(added.get("BodyParameters")))
    headers = http_requests.joined(given.get("Headers"))
    if body is not None:
        headers = http_requests.with_content_type(headers, content_type)
    headers |= _pairs(added.get("HeaderParameters"))
    headers |= AUTHORIZATION.current()(connection, (task.account, caller.region, name))
    query = {**(given.get("QueryParameters") or {}), **_pairs(added.get("QueryStringParameters"))}
    url = with_local_urls(str(given["ApiEndpoint"]), caller.endpoint)
    try:
        response = http_requests.send(http_requests.request(str(given["Method"]), url, query, headers, body), _SECONDS)
    except BotoCoreError as error:
        raise StateFailed("States.Http.Socket", str(error)) from None
    if response.is_error:
        raise StateFailed(f"States.Http.StatusCode.{response.status}", response.text)
    return response.result


def _check_permissions(caller: Caller, task: TaskAttempt, given: Mapping[str, Any], connection_arn: str) -> None:
    endpoint = {"states:HTTPEndpoint": str(given["ApiEndpoint"]), "states:HTTPMethod": str(given["Method"])}
    secret_arn = f"arn:aws:secretsmanager:{caller.region}:{task.account}:secret:events!connection/"
    secret_arn += "/".join(connection_arn.split("/")[1:])
    for action, resource, keys in (
        ("states:InvokeHTTPEndpoint", task.machine_arn, endpoint),
        ("events:RetrieveConnectionCredentials", connection_arn, None),
        ("secretsmanager:GetSecretValue", secret_arn, None),
        ("secretsmanager:DescribeSecret", secret_arn, None),
    ):
        if not may(caller, action, resource, account=task.account, keys=keys):
            user = principal_of(caller.access_key, task.account).arn
            raise StateFailed(
                _PERMISSION,
                f"User: {user} is not authorized to perform: {action} on resource: {resource} because no "
                f"identity-based policy allows the {action} action",
            )


def _connection(caller: Caller, arn: str) -> dict[str, Any]:
    SET_REGION.current()(caller.region)
    found = [each for each in CONNECTIONS.current().values() if each["ConnectionArn"] == arn]
    if not found:
        raise StateFailed("Events.ConnectionResource.NotFound", f"The connection {arn} does not exist")
    return dict(found[0])


def _body(given: Mapping[str, Any], added: Mapping[str, str]) -> tuple[bytes | None, str]:
    """The body with the connection's parameters, and its content type."""
    body = given.get("RequestBody")
    if added:
        body = {**(body if isinstance(body, Mapping) else {}), **added}
    arrays = array_format(given.get("Transform") or {})
    if arrays is not None and isinstance(body, Mapping):
        return form(body, arrays), _FORM
    if body is None:
        return None, ""
    return (body if isinstance(body, str) else dump(body)).encode(), "application/json"


def _pairs(parameters: Any) -> dict[str, str]:
    return {str(each["Key"]): str(each.get("Value", "")) for each in parameters or ()}
