"""APIs and function URLs of SAM folders answer over HTTP, at the URLs that the stack's outputs name."""

import re

import pytest

from blueprints.local.base.urls import with_local_urls
from blueprints.local.urls import urls
from tests.local.cloudwatch.reading import total
from tests.local.sam_folders_up import bring_folder_up, get, request


@pytest.fixture(scope="module")
def http_api(cloud):
    return bring_folder_up(cloud, "http-api")


@pytest.fixture(scope="module")
def rest_api(cloud):
    return bring_folder_up(cloud, "rest-api-proxy")


def api_and_stage(url):
    """The id of an API and the name of its stage, by a local URL of it."""
    api, _, rest = url.partition("/execute-api/")[2].partition("/")
    return api, rest.partition("/")[0]


def test_a_route_of_an_http_api_answers_with_the_path_parameter(http_api):
    answer = get(http_api.outputs["HelloUrl"])

    assert answer.status == 200
    assert answer.body == {"format": "2.0", "path": "/hello/you", "parameters": {"name": "you"}, "method": "GET"}


def test_a_greedy_route_of_any_method_gets_payload_format_1(http_api):
    answer = request("PUT", http_api.outputs["Root"] + "files/a/b.txt", body=b"\x00\xff")

    assert answer.body == {
        "format": "1.0", "path": "/files/a/b.txt", "parameters": {"proxy": "a/b.txt"}, "method": "PUT",
    }  # fmt: skip


@pytest.mark.parametrize("output", ["Root", "Endpoint"])
def test_requests_without_a_route_go_to_the_default_route(http_api, output):
    answer = get(http_api.outputs[output] + "elsewhere")

    assert (answer.body["format"], answer.body["path"]) == ("2.0", "/elsewhere")


@pytest.mark.parametrize(("token", "status"), [("open sesame", 200), ("guess", 403), (None, 401)])
def test_a_lambda_authorizer_decides(http_api, token, status):
    headers = {"Authorization": token} if token else {}

    assert get(http_api.outputs["GuardedUrl"] + "secret", headers=headers).status == status


def test_a_jwt_authorizer_refuses_invalid_tokens(http_api):
    assert get(http_api.outputs["GuardedUrl"] + "signed", headers={"Authorization": "Bearer x.y.z"}).status == 401


def test_a_path_without_a_route_is_not_found(http_api):
    answer = get(http_api.outputs["GuardedUrl"] + "nothing")

    assert (answer.status, answer.body) == (404, {"message": "Not Found"})


def test_cors_of_an_http_api_is_answered(http_api):
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    answer = request("OPTIONS", http_api.outputs["GuardedUrl"] + "secret", headers=asked)

    assert answer.headers["access-control-allow-origin"] == "https://example.com"


def test_without_cors_an_options_request_goes_to_its_route(http_api):
    answer = request("OPTIONS", http_api.outputs["Root"] + "files/a.txt")

    assert (answer.status, answer.body["method"]) == (200, "OPTIONS")


def test_a_function_reaches_an_api_by_the_url_in_its_environment(http_api):
    answer = get(http_api.outputs["GuardedUrl"] + "secret", headers={"Authorization": "open sesame"})

    assert answer.body["path"] == "/hello/inside"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_any_method_of_a_rest_api_reaches_the_function(rest_api, method):
    answer = request(method, rest_api.outputs["WebUrl"] + "shop/cart")

    assert answer.body == {
        "method": method, "path": "/shop/cart", "parameters": {"proxy": "shop/cart"}, "base64": False,
    }  # fmt: skip


def test_the_root_of_a_rest_api_answers(rest_api):
    assert get(rest_api.outputs["WebUrl"]).body["path"] == "/"


def test_cors_of_a_rest_api_is_answered(rest_api):
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    answer = request("OPTIONS", rest_api.outputs["ItemsUrl"] + "/items/7", headers=asked)

    assert answer.headers["access-control-allow-origin"] == "*"


def test_binary_media_types_reach_the_function_encoded(rest_api):
    picture = request(
        "POST", rest_api.outputs["ItemsUrl"] + "/picture", body=b"\x89PNG", headers={"Content-Type": "image/png"}
    )

    assert picture.body["base64"] is True


@pytest.mark.parametrize(
    ("query", "body", "status"), [("?color=red", b'{"name": "hat"}', 200), ("?color=red", b"{}", 400)]
)
def test_a_request_model_is_enforced(rest_api, query, body, status):
    answer = request("POST", rest_api.outputs["ItemsUrl"] + "/items" + query, body=body)

    assert answer.status == status


def test_a_gateway_response_of_a_rest_api_is_the_template_s(rest_api):
    answer = get(rest_api.outputs["ItemsUrl"] + "/nothing")

    assert (answer.status, answer.body) == (404, {"error": "no such page"})


def test_a_function_that_does_not_let_api_gateway_in_is_not_invoked(rest_api):
    assert get(rest_api.outputs["UninvitedUrl"]).status == 500


def test_requests_to_a_rest_api_are_counted_by_api_and_stage(cloud, rest_api):
    api, stage = api_and_stage(rest_api.outputs["ItemsUrl"])
    name = cloud.client("apigateway").get_rest_api(restApiId=api)["name"]
    dimensions = {"ApiName": name, "Stage": stage}
    before = {each: total(cloud, each, "AWS/ApiGateway", **dimensions) or 0 for each in ("Count", "4XXError")}

    get(rest_api.outputs["ItemsUrl"] + "/nothing")

    assert total(cloud, "Count", "AWS/ApiGateway", **dimensions) == before["Count"] + 1
    assert total(cloud, "4XXError", "AWS/ApiGateway", **dimensions) == before["4XXError"] + 1
    assert total(cloud, "Latency", "AWS/ApiGateway", "Maximum", **dimensions) > 0
    assert total(cloud, "Count", "AWS/ApiGateway", ApiName=name) >= before["Count"] + 1


def test_server_errors_of_a_rest_api_are_counted(cloud, rest_api):
    api, stage = api_and_stage(rest_api.outputs["UninvitedUrl"])
    name = cloud.client("apigateway").get_rest_api(restApiId=api)["name"]
    before = total(cloud, "5XXError", "AWS/ApiGateway", ApiName=name, Stage=stage) or 0

    get(rest_api.outputs["UninvitedUrl"])

    assert total(cloud, "5XXError", "AWS/ApiGateway", ApiName=name, Stage=stage) == before + 1


def test_requests_to_an_http_api_are_counted_by_api_and_stage(cloud, http_api):
    api, stage = api_and_stage(http_api.outputs["GuardedUrl"])
    before = {each: total(cloud, each, "AWS/ApiGateway", ApiId=api, Stage=stage) or 0 for each in ("Count", "4xx")}

    get(http_api.outputs["GuardedUrl"] + "nothing")

    assert total(cloud, "Count", "AWS/ApiGateway", ApiId=api, Stage=stage) == before["Count"] + 1
    assert total(cloud, "4xx", "AWS/ApiGateway", ApiId=api) >= before["4xx"] + 1
    assert total(cloud, "5xx", "AWS/ApiGateway", "SampleCount", ApiId=api) >= 1


def test_a_function_url_answers(cloud):
    stack = bring_folder_up(cloud, "function-url")

    answer = request(
        "POST", stack.outputs["WebhookUrl"] + "hooks/1", body=b"ping", headers={"Content-Type": "text/plain"}
    )

    assert answer.body == {"received": "ping", "at": "/hooks/1"}
    assert [each["url"] for each in urls(cloud, stack)] == [stack.outputs["WebhookUrl"]]


def test_every_stage_is_listed_with_a_url_and_routes(cloud, http_api, rest_api):
    listed = {each["resource"]: each for each in (*urls(cloud, http_api), *urls(cloud, rest_api))}

    assert listed["ServerlessHttpApi"]["routes"] == ["$default", "ANY /files/{proxy+}", "GET /hello/{name}"]
    assert listed["ServerlessHttpApi"]["url"] == http_api.outputs["Root"]
    assert listed["GuardedApi"]["url"] + "/" == http_api.outputs["GuardedUrl"]
    assert listed["ServerlessRestApi"]["routes"] == ["ANY /", "ANY /{proxy+}"]
    assert listed["ItemsApi"]["url"] == rest_api.outputs["ItemsUrl"]


@pytest.mark.parametrize(
    ("named", "answers"),
    [
        ("https://ab12.execute-api.eu-west-1.amazonaws.com/Prod/x?y=1", "http://here:1/_aws/execute-api/ab12/Prod/x?y=1"),
        ("https://ab12.execute-api.us-east-1.amazonaws.com", "http://here:1/_aws/execute-api/ab12/"),
        ("https://ab12.execute-api.cn-north-1.amazonaws.com.cn/a", "http://here:1/_aws/execute-api/ab12/a"),
        ("wss://ab12.execute-api.us-east-1.amazonaws.com/live", "ws://here:1/_aws/execute-api/ab12/live"),
        ("http://ab12.execute-api.127.0.0.1:4566/x", "http://here:1/_aws/execute-api/ab12/x"),
        ("https://cd34.lambda-url.us-east-1.on.aws/", "http://here:1/_aws/lambda-url/cd34/"),
        ("curl -d x https://ab12.execute-api.us-east-1.amazonaws.com/p 'and more'",
         "curl -d x http://here:1/_aws/execute-api/ab12/p 'and more'"),
        ("https://example.com/execute-api/x", "https://example.com/execute-api/x"),
        ("arn:aws:execute-api:us-east-1:000000000000:ab12/*", "arn:aws:execute-api:us-east-1:000000000000:ab12/*"),
    ],
)  # fmt: skip
def test_urls_of_aws_become_urls_of_this_machine(named, answers):
    assert with_local_urls(named, "http://here:1") == answers


@pytest.mark.parametrize("path", ["text", "field", "mapping", "error"])
def test_a_malformed_proxy_response_is_an_error_of_the_rest_api(rest_api, path):
    answer = get(rest_api.outputs["WebUrl"] + f"odd/{path}")

    assert (answer.status, answer.body) == (502, {"message": "Internal server error"})


@pytest.mark.parametrize(
    ("path", "logged"),
    [("mapping", "an API cannot use the response of its function"), ("error", r"function \S+ failed: \w+: ")],
)
def test_an_error_behind_an_http_api_is_answered_without_its_words(cloud, http_api, path, logged):
    before = cloud.server_log()
    answer = get(http_api.outputs["Root"] + f"odd/{path}")

    assert (answer.status, answer.body) == (500, {"message": "Internal Server Error"})
    assert re.search(logged, cloud.server_log().removeprefix(before))


def test_an_api_made_by_its_target_and_a_function_within_the_template_answer(cloud):
    stack = bring_folder_up(cloud, "quick-api")

    answer = get(stack.outputs["Quick"] + "a/b", headers={"Origin": "https://example.com"})

    assert answer.body == {"asked": "/a/b"}
    assert answer.headers["access-control-allow-origin"] == "https://example.com"
    assert get(stack.outputs["Word"]).body == "inline"
