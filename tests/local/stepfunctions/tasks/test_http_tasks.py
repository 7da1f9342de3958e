"""HTTP tasks send requests with the authorization of an EventBridge connection."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blueprints.local.services.stepfunctions.tasks import form_bodies

INVOKE = "arn:aws:states:::http:invoke"


class Endpoint(BaseHTTPRequestHandler):
    """Answers with what it was asked; `/missing` does not exist."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        seen = {
            "path": self.path,
            "body": body,
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        answer = json.dumps(seen).encode()
        self.send_response(404 if self.path.startswith("/missing") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture
def connection(cloud, unique):
    """A connection with an API key and parameters of its own."""
    parameters = {
        "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"},
        "InvocationHttpParameters": {"QueryStringParameters": [{"Key": "team", "Value": "a"}]},
    }
    made = cloud.client("events").create_connection(Name=unique, AuthorizationType="API_KEY", AuthParameters=parameters)
    return made["ConnectionArn"]


def request(url, connection, **more):
    return {"ApiEndpoint": url, "Method": "POST", "Authentication": {"ConnectionArn": connection}, **more}


def test_the_request_is_authorized_by_the_connection(play, url, connection):
    arguments = request(f"{url}/orders", connection, QueryParameters={"page": "2"}, RequestBody={"sum": 3})
    output = play(INVOKE, arguments).output

    assert (output["StatusCode"], output["StatusText"]) == (200, "OK")
    seen = output["ResponseBody"]
    assert (seen["path"], seen["body"]) == ("/orders?page=2&team=a", '{"sum":3}')
    assert (seen["headers"]["x-key"], seen["headers"]["content-type"]) == ("secret", "application/json")


def test_a_body_may_be_a_form(play, url, connection):
    transform = {"RequestBodyEncoding": "URL_ENCODED"}
    output = play(INVOKE, request(url, connection, RequestBody={"a": "b c"}, Transform=transform)).output
    assert output["ResponseBody"]["body"] == "a=b+c"
    assert output["ResponseBody"]["headers"]["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("arrays", "body"),
    [
        (None, "list[0]=1&list[1]=b+c&in[ok]=true&none=null"),
        ("INDICES", "list[0]=1&list[1]=b+c&in[ok]=true&none=null"),
        ("REPEAT", "list=1&list=b+c&in[ok]=true&none=null"),
        ("BRACKETS", "list[]=1&list[]=b+c&in[ok]=true&none=null"),
        ("COMMAS", "list=1,b+c&in[ok]=true&none=null"),
    ],
)
def test_arrays_in_a_form_have_the_format_that_the_state_names(arrays, body):
    options = {"RequestEncodingOptions": {"ArrayFormat": arrays}} if arrays else {}
    chosen = form_bodies.array_format({"RequestBodyEncoding": "URL_ENCODED", **options})
    given = {"list": [1, "b c"], "in": {"ok": True}, "none": None}
    assert form_bodies.form(given, chosen).decode() == body


def test_an_unknown_format_of_arrays_fails_the_task(play, url, connection):
    transform = {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "PIPES"}}
    error, cause = play(INVOKE, request(url, connection, RequestBody={"a": [1]}, Transform=transform)).failure
    assert error == "States.Runtime"
    assert "'ArrayFormat' must be one of INDICES, REPEAT" in cause


def test_a_status_of_an_error_fails_the_task(play, url, connection):
    error, cause = play(INVOKE, request(f"{url}/missing", connection)).failure
    assert error == "States.Http.StatusCode.404"
    assert json.loads(cause)["path"] == "/missing?team=a"


def test_an_endpoint_that_does_not_answer(play, connection):
    assert play(INVOKE, request("http://127.0.0.1:9", connection)).failure[0] == "States.Http.Socket"


def test_the_role_needs_each_permission(play, allowed, url, connection):
    actions = [
        "states:InvokeHTTPEndpoint",
        "events:RetrieveConnectionCredentials",
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
    ]
    for missing in actions:
        role = allowed(*(each for each in actions if each != missing))
        error, cause = play(INVOKE, request(url, connection), role=role).failure
        assert error == "States.Http.Permission"
        assert f"is not authorized to perform: {missing} on resource: " in cause
    assert play(INVOKE, request(url, connection), role=allowed(*actions)).output["StatusCode"] == 200


def test_an_endpoint_elsewhere_needs_tls(play, connection):
    error, cause = play(INVOKE, request("http://example.com/", connection)).failure
    assert error == "States.Runtime"
    assert "must be a URL that begins with https://" in cause
