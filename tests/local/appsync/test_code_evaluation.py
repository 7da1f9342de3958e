"""EvaluateCode and EvaluateMappingTemplate, by boto3."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import Cloud

CODE = """import { util } from '@aws-appsync/utils';
export function request(ctx) {
  console.log('id', ctx.args.id);
  ctx.stash.seen = true;
  util.appendError('odd', 'Odd', { id: 1 });
  return { key: util.dynamodb.toMapValues({ id: ctx.args.id }), table: ctx.env.TABLE };
}
export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result.items.length;
}
"""


@pytest.fixture(scope="module")
def appsync() -> Iterator[Any]:
    with Cloud() as cloud:
        yield cloud.client("appsync")


def evaluate(appsync: Any, context: Any, code: str = CODE, **options: Any) -> dict[str, Any]:
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    return appsync.evaluate_code(runtime=runtime, code=code, context=json.dumps(context), **options)


def test_request(appsync):
    answer = evaluate(appsync, {"arguments": {"id": "n1"}, "env": {"TABLE": "notes"}}, function="request")
    assert json.loads(answer["evaluationResult"]) == {"key": {"id": {"S": "n1"}}, "table": "notes"}
    assert json.loads(answer["stash"]) == {"seen": True}
    assert json.loads(answer["outErrors"]) == [
        {"message": "odd", "errorType": "Odd", "data": {"id": 1}, "errorInfo": None}
    ]
    assert [log.partition(": ")[2] for log in answer["logs"]] == ['"id" "n1"']
    assert "error" not in answer


def test_response(appsync):
    assert evaluate(appsync, {"result": {"items": [1, 2]}}, function="response")["evaluationResult"] == "2"


def test_errors_of_the_code_are_part_of_the_answer(appsync):
    raised = evaluate(appsync, {"error": {"message": "gone", "type": "Gone"}}, function="response")
    assert raised["error"] == {"message": "gone", "codeErrors": []}
    broken = evaluate(appsync, {}, function="response")
    assert broken["error"]["message"].startswith("code.js:12:")


def test_code_that_cannot_be_deployed(appsync):
    answer = evaluate(appsync, {}, CODE.replace("return ctx.result", "while (true) {}\n  return ctx.result"))
    assert answer["error"]["message"] == "The code contains one or more errors."
    (error,) = answer["error"]["codeErrors"]
    assert (error["errorType"], error["location"]["line"], error["location"]["column"]) == ("LINT_ERROR", 12, 3)
    (error,) = evaluate(appsync, {}, "export function request( {")["error"]["codeErrors"]
    assert error["errorType"] == "PARSER_ERROR"


@pytest.mark.parametrize(
    ("context", "options"),
    [
        ([], {}),
        ("x" * 28_001, {}),
        ({}, {"function": "other"}),
    ],
)
def test_refused_requests(appsync, context, options):
    with pytest.raises(ClientError) as caught:
        evaluate(appsync, context, **options)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"


def test_mapping_templates_are_refused_by_name(appsync):
    with pytest.raises(ClientError, match="EvaluateMappingTemplate is not emulated") as caught:
        appsync.evaluate_mapping_template(template="{}", context="{}")
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
