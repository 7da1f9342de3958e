"""What AppSync refuses before it stores a resolver, a function, a data source or an API.

Members have the names of AppSync's API. What would be stored here without an effect that requests could notice is
refused by name: mapping templates, conflict detection, OpenID Connect, other types of data sources.

Source: AWS AppSync API Reference; the messages are AppSync's where it is known to give them.
"""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.model_constraints import violations
from blueprints.local.base.service_models import model_of
from blueprints.local.services.appsync.control_plane.errors import Refused, not_found
from blueprints.local.services.appsync.data_sources import EMULATED_TYPES
from blueprints.local.services.appsync.javascript import CodeFault, faults
from blueprints.local.services.appsync.requests import COGNITO, LAMBDA, OPENID_CONNECT
from blueprints.local.services.iam import caller_may

DATA_SOURCES = Internal("services.appsync", "_data_sources")
FUNCTIONS = Internal("services.appsync", "_functions")

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_SERVICE = "appsync.amazonaws.com"
_RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
_TEMPLATES = ("requestMappingTemplate", "responseMappingTemplate")
_SETTINGS = {"AWS_LAMBDA": "lambdaConfig", "AMAZON_DYNAMODB": "dynamodbConfig"}
"""The member that each type of data source needs."""
_EXPRESSIONS = ("appIdClientRegex", "identityValidationExpression")
_VARIABLE = re.compile(r"[A-Za-z]\w{1,63}", re.ASCII)
_MOST_VARIABLES, _LONGEST_VARIABLE = 50, 512
_WITH_PROVIDER_SETTINGS = {COGNITO: "userPoolConfig", LAMBDA: "lambdaAuthorizerConfig"}


def check_model(operation: str, given: Mapping[str, Any]) -> None:
    """Raises Refused for input that the operation's model excludes: lengths, patterns, limits, missing members."""
    shape = model_of("appsync").operation_model(operation).input_shape
    missing = [each for each in shape.required_members if given.get(each) in (None, "")]
    if missing:
        raise Refused(f"{', '.join(missing)} must be given.")
    found = violations(shape, {name: value for name, value in given.items() if name in shape.members})
    if found:
        raise Refused(found)
    for name, member in shape.members.items():
        if (
            member.name == "ResourceName"
            and name != "functionId"
            and given.get(name)
            and not _NAME.fullmatch(str(given[name]))
        ):
            constraint = f"satisfy regular expression pattern: {_NAME.pattern}"
            raise Refused(f"Value '{given[name]}' at '{name}' failed to satisfy constraint: Member must {constraint}")


def check_resolver(api_id: str, given: Mapping[str, Any]) -> None:
    """Raises Refused for a resolver that could not run."""
    if given.get("kind", "UNIT") == "PIPELINE":
        if given.get("dataSourceName"):
            raise Refused("A resolver of kind PIPELINE has no data source; its functions have.")
        for each in (given.get("pipelineConfig") or {}).get("functions") or ():
            if each not in (FUNCTIONS.current().get(api_id) or {}):
                raise not_found(f"No function found with id {each}")
    else:
        if given.get("pipelineConfig"):
            raise Refused("A resolver of kind UNIT has no pipelineConfig.")
        _check_source_of_code(api_id, given)
    if (given.get("syncConfig") or {}).get("conflictDetection") not in (None, "NONE"):
        raise Refused("The conflict detection of AppSync (syncConfig) is not emulated.")
    check_code(given)


def check_function(api_id: str, given: Mapping[str, Any]) -> None:
    """Raises Refused for a function of pipelines that could not run."""
    _check_source_of_code(api_id, given)
    if given.get("syncConfig"):
        raise Refused("The conflict detection of AppSync (syncConfig) is not emulated.")
    check_code(given)


def _check_source_of_code(api_id: str, given: Mapping[str, Any]) -> None:
    name = str(given.get("dataSourceName") or "")
    source = (DATA_SOURCES.current().get(api_id) or {}).get(name)
    if source is None:
        raise not_found(f"No data source found named {name}")
    if not given.get("code") and not any(given.get(each) for each in _TEMPLATES) and source["type"] != "AWS_LAMBDA":
        raise Refused(f"The data source {name} needs code: only those of type AWS_LAMBDA work without.")


def check_code(given: Mapping[str, Any]) -> None:
    """Raises Refused for code that AppSync does not accept, and for mapping templates."""
    templates = [each for each in _TEMPLATES if given.get(each)]
    if templates:
        raise Refused(f"Mapping templates (VTL) are not emulated: {', '.join(templates)}. Use code for APPSYNC_JS.")
    code, runtime = given.get("code"), given.get("runtime")
    if not code and not runtime:
        return
    if not code or not runtime:
        raise Refused("code and runtime must be given together.")
    if {name: runtime.get(name) for name in _RUNTIME} != _RUNTIME:
        raise Refused(f"The runtime must be {_RUNTIME['name']}, version {_RUNTIME['runtimeVersion']}.")
    found = faults(str(code))
    if found:
        message = "The code contains one or more errors. " + " ".join(_fault_text(each) for each in found)
        details = {"reason": "CODE_ERROR", "detail": {"codeErrors": [_code_error(each) for each in found]}}
        raise Refused(message, details=details)


def check_data_source(given: Mapping[str, Any]) -> None:
    """Raises Refused for a data source that could not be called, or whose role the caller may not pass."""
    kind = given.get("type")
    if kind not in EMULATED_TYPES:
        raise Refused(f"Data sources of type {kind} are not emulated; those of {', '.join(EMULATED_TYPES)} are.")
    needed = _SETTINGS.get(str(kind))
    if needed and not given.get(needed):
        raise Refused(f"A data source of type {kind} needs {needed}.")
    role = str(given.get("serviceRoleArn") or "")
    if needed and not role:
        raise Refused(f"A data source of type {kind} needs serviceRoleArn.")
    table = given.get("dynamodbConfig") or {}
    if table.get("versioned") or table.get("deltaSyncConfig"):
        raise Refused("Versioned data sources of AppSync (conflict detection, delta sync) are not emulated.")
    if table.get("useCallerCredentials"):
        raise Refused("Data sources that use the caller's credentials are not emulated.")
    if role and not caller_may("iam:PassRole", role, {"iam:PassedToService": _SERVICE}):
        raise Refused(
            f"The caller is not authorized to perform: iam:PassRole on resource: {role}", "AccessDeniedException", 403
        )


def check_api(given: Mapping[str, Any]) -> None:
    """Raises Refused for an API whose authentication types do not work together or are not emulated."""
    if given.get("apiType") == "MERGED":
        raise Refused("Merged APIs (apiType MERGED) are not emulated.")
    default = {**given, "authenticationType": given.get("authenticationType")}
    seen: list[str] = []
    for each in (default, *(given.get("additionalAuthenticationProviders") or ())):
        identity = _check_provider(each)
        if identity in seen:
            raise Refused(f"The authentication type {identity} is configured twice.")
        seen.append(identity)


def _check_provider(provider: Mapping[str, Any]) -> str:
    """What distinguishes a provider from the others of the API."""
    mode = str(provider.get("authenticationType"))
    if mode == OPENID_CONNECT:
        raise Refused("The authentication type OPENID_CONNECT is not emulated.")
    needed = _WITH_PROVIDER_SETTINGS.get(mode)
    settings = provider.get(needed) if needed else None
    if needed and not settings:
        raise Refused(f"The authentication type {mode} needs {needed}.")
    for each in _EXPRESSIONS:
        _check_expression(each, (settings or {}).get(each))
    return f"{mode} {(settings or {}).get('userPoolId')}" if mode == COGNITO else mode


def _check_expression(name: str, given: Any) -> None:
    try:
        re.compile(str(given or ""))
    except re.error as error:
        raise Refused(f"{name} is not a regular expression: {error}") from None


def check_variables(given: Any) -> None:
    """Raises Refused for environment variables of an API that AppSync does not accept."""
    if not isinstance(given, dict) or len(given) > _MOST_VARIABLES:
        raise Refused(f"environmentVariables must be a map with at most {_MOST_VARIABLES} members.")
    for name, value in given.items():
        if not _VARIABLE.fullmatch(name):
            raise Refused(
                f"The environment variable '{name}' must have 2 to 64 letters, digits or _, and begin with a letter."
            )
        if not isinstance(value, str) or len(value) > _LONGEST_VARIABLE:
            raise Refused(
                f"The environment variable '{name}' must be a text of at most {_LONGEST_VARIABLE} characters."
            )


def _fault_text(fault: CodeFault) -> str:
    return f"{fault.line}:{fault.column} {fault.message} ({fault.rule})"


def _code_error(fault: CodeFault) -> dict[str, Any]:
    kind = "PARSER_ERROR" if fault.rule == "syntax" else "LINT_ERROR"
    return {
        "errorType": kind,
        "value": f"{fault.message} ({fault.rule})",
        "location": {"line": fault.line, "column": fault.column, "span": -1},
    }
