"""Unit resolvers and pipelines in APPSYNC_JS of a deployed API."""

import pytest

from tests.local.appsync.graphql_apis import APPSYNC, Api, api_id, deploy_api, lambda_source, source_role

SCHEMA = """
type Query {
  plain(text: String): String
  invoked(text: String): Note
  refused(id: ID!): Note
  appended: String
  handled: String
  early: String
  item(id: ID!): Note
  piped(text: String): String
  ended(where: String): String
  direct(text: String): Note
  broken: String
  undeclared: String
  distrusted: String
  forbidden: String
  notes: [Note]
  event: String
  headers: String
  unset: String
}
type Note { id: ID  text: String  owner: Person  label: String }
type Person { name: String age: Int }
"""
SOURCE = """
def handler(event, context):
    if isinstance(event, list):
        return [f"label {one['id']} of {len(event)}" for one in event]
    if event.get("fail"):
        raise RuntimeError(event["fail"])
    if event.get("info"):
        return {"text": f"{event['info']['fieldName']} {event['prev']['result']} {event['stash']}"}
    return {"id": "1", "text": event["text"], "context": event}
"""
PLAIN = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: `${ctx.args.text} and ${ctx.env.STAGE || 'none'}` }; }
export function response(ctx) { return ctx.result; }
"""
INVOKED = """
export function request(ctx) { return { operation: 'Invoke', payload: { text: ctx.args.text } }; }
export function response(ctx) { return ctx.result; }
"""
REFUSED = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) {
  util.error('There is another.', 'ConflictUnhandled',
             { id: ctx.args.id, text: 'theirs', owner: { name: 'Ada', age: 36 }, secret: 'x' }, { code: 7 });
}
"""
APPENDED = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { util.appendError('first', 'Warning'); return { payload: 'value' }; }
export function response(ctx) { util.appendError('second'); return ctx.result; }
"""
HANDLED = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { operation: 'Invoke', payload: { fail: 'no luck' } }; }
export function response(ctx) { return `${ctx.error.type}: ${ctx.error.message}`; }
"""
EARLY = """
import { runtime } from '@aws-appsync/utils';
export function request(ctx) { runtime.earlyReturn('at once'); }
export function response(ctx) { return 'never'; }
"""
BATCHED = """
export function request(ctx) { return { operation: 'BatchInvoke', payload: { id: ctx.source.id } }; }
export function response(ctx) { return ctx.result; }
"""
BROKEN = """
export function request(ctx) { return ctx.args.missing.name; }
export function response(ctx) { return ctx.result; }
"""
NOTES = """
export function request(ctx) { return { payload: [1, 2, 3, 4, 5, 6, 7].map((id) => ({ id })) }; }
export function response(ctx) { return ctx.result; }
"""
EVENT = """
export function request(ctx) { return { operation: 'Invoke', payload: { fail: 'x' }, invocationType: 'Event' }; }
export function response(ctx) { return ctx.error ? 'failed' : 'sent'; }
"""
HEADERS = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: 'seen' }; }
export function response(ctx) { util.http.addResponseHeader('X-Pages', '3'); return ctx.result; }
"""
PIPELINE = """
export function request(ctx) { ctx.stash.seen = ['before']; return { text: ctx.args.text }; }
export function response(ctx) { return `${ctx.prev.result}, after: ${ctx.stash.seen.join(' ')}`; }
"""
FIRST = """
export function request(ctx) { ctx.stash.seen.push('first'); return { payload: ctx.prev.result.text }; }
export function response(ctx) { return `first ${ctx.result}`; }
"""
SECOND = """
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  ctx.stash.seen.push('second');
  return { operation: 'Invoke', payload: { text: ctx.prev.result } };
}
export function response(ctx) { if (ctx.error) util.error(ctx.error.message); return `second ${ctx.result.text}`; }
"""
ENDING = """
import { runtime } from '@aws-appsync/utils';
export function request(ctx) {
  ctx.stash.seen.push('ending');
  if (ctx.prev.result.text === 'end') runtime.earlyReturn('ended', { skipTo: 'END' });
  if (ctx.prev.result.text === 'next') runtime.earlyReturn('skipped');
  return { payload: 'source' };
}
export function response(ctx) { return ctx.result; }
"""
NOTHING = """
export function request(ctx) { return null; }
export function response(ctx) { return `${ctx.prev.result}`; }
"""
AFTER_NOTHING = """
export function request(ctx) { return { payload: `before it: ${ctx.prev.result}` }; }
export function response(ctx) { return ctx.result; }
"""
LAST = """
export function request(ctx) { ctx.stash.seen.push('last'); return { payload: `last ${ctx.prev.result}` }; }
export function response(ctx) { return ctx.result; }
"""


def none_source(name):
    return {"Type": "AWS::AppSync::DataSource", "Properties": {"ApiId": api_id(), "Name": name, "Type": "NONE"}}


@pytest.fixture(scope="module")
def api(cloud) -> Api:
    made = deploy_api(
        cloud,
        SCHEMA,
        SOURCE,
        Nothing=none_source("Nothing"),
        DistrustedRole=source_role("lambda:InvokeFunction", service="ec2.amazonaws.com"),
        Distrusted=lambda_source(role="DistrustedRole", name="Distrusted"),
        ForbiddenRole=source_role(service=APPSYNC),
        Forbidden=lambda_source(role="ForbiddenRole", name="Forbidden"),
    )
    client = cloud.client("appsync")
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}

    def unit(type_name, field, source, code, **more):
        client.create_resolver(
            apiId=made.api_id,
            typeName=type_name,
            fieldName=field,
            dataSourceName=source,
            code=code,
            runtime=runtime,
            **more,
        )

    def function(name, source, code):
        given = {"code": code, "runtime": runtime} if code else {}
        created = client.create_function(apiId=made.api_id, name=name, dataSourceName=source, **given)
        return created["functionConfiguration"]["functionId"]

    def pipeline(field, code, *functions):
        client.create_resolver(
            apiId=made.api_id,
            typeName="Query",
            fieldName=field,
            kind="PIPELINE",
            code=code,
            runtime=runtime,
            pipelineConfig={"functions": list(functions)},
        )

    client.put_graphql_api_environment_variables(apiId=made.api_id, environmentVariables={"STAGE": "test"})
    units = {
        "plain": ("Nothing", PLAIN),
        "invoked": ("Functions", INVOKED),
        "refused": ("Nothing", REFUSED),
        "appended": ("Nothing", APPENDED),
        "handled": ("Functions", HANDLED),
        "early": ("Functions", EARLY),
        "broken": ("Nothing", BROKEN),
        "distrusted": ("Distrusted", HANDLED),
        "forbidden": ("Forbidden", HANDLED),
        "notes": ("Nothing", NOTES),
        "event": ("Functions", EVENT),
        "headers": ("Nothing", HEADERS),
    }
    for field, (source, code) in units.items():
        unit("Query", field, source, code)
    unit("Note", "label", "Functions", BATCHED)
    first, second = function("first", "Nothing", FIRST), function("second", "Functions", SECOND)
    ending, last = function("ending", "Nothing", ENDING), function("last", "Nothing", LAST)
    direct = function("direct", "Functions", None)
    pipeline("piped", PIPELINE, first, second)
    pipeline("unset", NOTHING, function("unset", "Nothing", AFTER_NOTHING))
    pipeline("ended", PIPELINE.replace("ctx.args.text", "ctx.args.where"), ending, last)
    pipeline("direct", PIPELINE.replace("return `${ctx.prev.result}, ", "return ctx.prev.result; `"), first, direct)
    return made


def test_source_of_type_none_and_environment(api):
    assert api.ask('{ plain(text: "a") }').data == {"plain": "a and test"}


def test_function_is_invoked_with_the_payload(api):
    assert api.ask('{ invoked(text: "hello") { id text } }').data == {"invoked": {"id": "1", "text": "hello"}}


def test_error_has_data_cut_to_the_selection(api):
    answer = api.ask('{ refused(id: "9") { id ...more } } fragment more on Note { owner { name } }')
    assert answer.body["data"] == {"refused": None}
    assert answer.error == {
        "path": ["refused"],
        "data": {"id": "9", "owner": {"name": "Ada"}},
        "errorType": "ConflictUnhandled",
        "errorInfo": {"code": 7},
        "locations": [{"line": 1, "column": 3, "sourceName": None}],
        "message": "There is another.",
    }


def test_appended_errors_leave_the_value(api):
    answer = api.ask("{ appended }")
    assert answer.body["data"] == {"appended": "value"}
    assert answer.messages == ["first", "second"]
    assert answer.body["errors"][0]["errorType"] == "Warning"
    assert answer.body["errors"][1] == {
        "path": ["appended"],
        "data": None,
        "errorType": None,
        "errorInfo": None,
        "locations": [{"line": 1, "column": 3, "sourceName": None}],
        "message": "second",
    }


def test_code_handles_the_error_of_its_source(api):
    assert api.ask("{ handled }").data == {"handled": "Lambda:Unhandled: no luck"}


def test_early_return_skips_source_and_response(api):
    assert api.ask("{ early }").data == {"early": "at once"}


def test_batches_of_code_have_five_items_by_default(api):
    labels = [each["label"] for each in api.ask("{ notes { label } }").data["notes"]]
    assert labels == [*(f"label {number} of 5" for number in range(1, 6)), "label 6 of 2", "label 7 of 2"]


def test_code_that_fails(api):
    answer = api.ask("{ broken }")
    assert answer.body["data"] == {"broken": None}
    assert answer.error["errorType"] == "Code"


def test_source_in_a_role_that_does_not_trust_appsync(api):
    assert "Unable to assume role" in api.ask("{ distrusted }").data["distrusted"]


def test_source_in_a_role_without_permission(api):
    answer = api.ask("{ forbidden }").data["forbidden"]
    assert answer.startswith("Lambda:AccessDeniedException: User: ")
    assert "not authorized to perform: lambda:InvokeFunction" in answer


def test_asynchronous_invocation_has_no_result(api):
    assert api.ask("{ event }").data == {"event": "sent"}


def test_code_adds_headers_to_the_response(api):
    assert api.ask("{ headers }").headers["x-pages"] == "3"


def test_pipeline_passes_results_and_stash(api):
    assert api.ask('{ piped(text: "in") }').data == {"piped": "second first in, after: before first second"}


def test_pipeline_without_a_first_result(api):
    assert api.ask("{ unset }").data == {"unset": "before it: null"}


@pytest.mark.parametrize(
    ("where", "result"),
    [
        ("end", "ended, after: before ending"),
        ("next", "last skipped, after: before ending last"),
        ("on", "last source, after: before ending last"),
    ],
)
def test_functions_of_pipelines_return_early(api, where, result):
    assert api.ask("query ($w: String) { ended(where: $w) }", w=where).data == {"ended": result}


def test_function_of_a_pipeline_without_code(api):
    answer = api.ask('{ direct(text: "in") { text } }')
    assert answer.data == {"direct": {"text": "direct first in {'seen': ['before', 'first']}"}}
