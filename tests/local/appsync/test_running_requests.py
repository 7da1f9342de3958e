"""A request sees an API as it was when the request began; the next one sees what was changed meanwhile."""

from concurrent.futures import ThreadPoolExecutor

from tests.local.appsync.graphql_apis import api_id, deploy_api, resolver
from tests.local.resources import function_resource
from tests.local.trace import LEAVE
from tests.local.waiting import until

SCHEMA = "type Query { slow: Outer } type Outer { inner: String }"
SLOW = f"""{LEAVE}
import time

def handler(event, context):
    leave("called")
    time.sleep(1)
    return {{}}
"""
CODE = "export function request() { return {} } export function response() { return 'before' }"
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}


def test_a_running_request_sees_the_api_as_it_was_when_it_began(cloud, trace):
    nothing = {"ApiId": api_id(), "Name": "Nothing", "Type": "NONE"}
    api = deploy_api(
        cloud,
        SCHEMA,
        SLOW,
        Function=function_resource(SLOW, Environment={"Variables": {"TRACE": trace.url}}),
        Nothing={"Type": "AWS::AppSync::DataSource", "Properties": nothing},
        Slow=resolver("Query", "slow"),
        Inner=resolver("Outer", "inner", "Nothing", Code=CODE, DependsOn=["Schema", "Nothing"]),
    )
    changed = {"typeName": "Outer", "fieldName": "inner", "dataSourceName": "Nothing", "runtime": RUNTIME}
    appsync = cloud.client("appsync")

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(api.ask, "{ slow { inner } }")
        until(lambda: "called" in trace.read())
        appsync.update_resolver(apiId=api.api_id, code=CODE.replace("before", "after"), **changed)
        appsync.start_schema_creation(apiId=api.api_id, definition=SCHEMA.replace("String", "ID").encode())
        appsync.delete_api_key(apiId=api.api_id, id=api.key)
        assert not answer.done()

    assert answer.result().data == {"slow": {"inner": "before"}}
    assert api.ask("{ slow { inner } }").status == 401
    key = appsync.create_api_key(apiId=api.api_id)["apiKey"]["id"]
    assert api.ask("{ slow { inner } }", {"x-api-key": key}).data == {"slow": {"inner": "after"}}
