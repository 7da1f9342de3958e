"""The API's operations EvaluateCode, which runs code on a context without an API, and EvaluateMappingTemplate."""

import json
from collections.abc import Sequence
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.extension import Receive, Route, Scope, Send
from blueprints.local.base.http import read_body, send_response
from blueprints.local.base.internals import Internal
from blueprints.local.base.model_constraints import violations
from blueprints.local.base.service_models import model_of
from blueprints.local.services.appsync.javascript import CodeFault, Evaluation, EvaluationFailed, evaluate, faults

EVALUATE_CODE = Internal("services.appsync", "_evaluate_code", ("body",))

Answer = tuple[int, dict[str, str], bytes]


class _Refused(Exception):
    """A request that AppSync answers with BadRequestException."""


def install() -> None:
    """Let this project's engine answer EvaluateCode."""
    EVALUATE_CODE.replace(answer)


def routes() -> Sequence[Route]:
    """Refuses EvaluateMappingTemplate: there are no mapping templates here."""
    return [Route(lambda scope: bool(scope["path"] == "/v1/dataplane-evaluatetemplate"), _refuse_templates)]


def answer(body: Any) -> Answer:
    """The response of EvaluateCode: status, headers and JSON."""
    try:
        return _json(200, _evaluated(body))
    except _Refused as refused:
        return _bad_request(str(refused))


def _evaluated(body: Any) -> dict[str, Any]:
    shape = model_of("appsync").operation_model("EvaluateCode").input_shape
    missing = [name for name in shape.required_members if name not in body]
    violated = f"{', '.join(missing)} must be given." if missing else violations(shape, body)
    if violated:
        raise _Refused(violated)
    if body["runtime"].get("name") != "APPSYNC_JS" or body["runtime"].get("runtimeVersion") != "1.0.0":
        raise _Refused("The runtime must be APPSYNC_JS, version 1.0.0.")
    function = body.get("function") or "request"
    if function not in ("request", "response"):
        raise _Refused("The function must be request or response.")
    context = _context(body["context"])
    found = faults(body["code"])
    if found:
        errors = [code_error(fault) for fault in found]
        return {"error": {"message": "The code contains one or more errors.", "codeErrors": errors}, "logs": []}
    return _outcome(body["code"], function, context)


def _context(text: str) -> dict[str, Any]:
    try:
        context = read_json(text)
    except ValueError as error:
        raise _Refused(f"The context is not JSON: {error}") from None
    if not isinstance(context, dict):
        raise _Refused("The context must be a JSON object.")
    return context


def _outcome(code: str, function: Any, context: dict[str, Any]) -> dict[str, Any]:
    environment = context.pop("env", None) or {}
    try:
        evaluation = evaluate(code, function, context, environment=environment)
    except EvaluationFailed as failed:
        return {"error": {"message": failed.message, "codeErrors": []}, **_side_effects(failed.evaluation)}
    return {"evaluationResult": json.dumps(evaluation.result), **_side_effects(evaluation)}


def _side_effects(evaluation: Evaluation) -> dict[str, Any]:
    errors = [
        {"message": one.message, "errorType": one.error_type, "data": one.data, "errorInfo": one.error_info}
        for one in evaluation.errors
    ]
    return {"logs": evaluation.logs, "stash": json.dumps(evaluation.stash), "outErrors": json.dumps(errors)}


def code_error(fault: CodeFault) -> dict[str, Any]:
    """A fault as AppSync reports it in `codeErrors`."""
    kind = "PARSER_ERROR" if fault.rule == "syntax" else "LINT_ERROR"
    value = fault.message if fault.rule == "syntax" else f"{fault.message} ({fault.rule})"
    return {"errorType": kind, "value": value, "location": {"line": fault.line, "column": fault.column, "span": -1}}


async def _refuse_templates(_scope: Scope, receive: Receive, send: Send) -> None:
    await read_body(receive)
    status, headers, body = _bad_request(
        "EvaluateMappingTemplate is not emulated: resolvers run as APPSYNC_JS here, which EvaluateCode evaluates."
    )
    await send_response(send, status, body, headers)


def _bad_request(message: str) -> Answer:
    body = {"__type": "BadRequestException", "message": message}
    status, headers, encoded = _json(400, body)
    return status, {**headers, "x-amzn-errortype": "BadRequestException"}, encoded


def _json(status: int, body: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()
