"""Statements of resource policies, which name the principals they are about.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "AWS JSON policy elements: NotPrincipal".
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.policies.statements import Statement, has_variables, raw_statements, read

EVALUATE_RESOURCE_POLICY = Internal(
    "core.iam_evaluator", "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")
)
EVALUATE = Internal("core.iam_evaluator", "evaluate", ("ctx", "policies", "limits"))
MATCHES = Internal("core.iam_evaluator", "_principal_matches", ("principal", "caller_arn"))
IS_SERVICE = Internal("core.iam_evaluator", "_service_principal_matches", ("principal", "service"))
NAMES = Internal("core.iam_evaluator", "_names_caller", ("principal", "caller_arn"))
NAMES_DIRECTLY = Internal("core.iam_evaluator", "_names_caller_directly", ("principal", "caller_arn"))

_Parsed = tuple[tuple[dict[str, Any], Statement], ...]


def install() -> None:
    """Replace how the base emulator evaluates resource policies."""
    EVALUATE_RESOURCE_POLICY.replace(evaluate_resource_policy)


def evaluate_resource_policy(
    doc: Any, ctx: Any, service: str | None = None, named_only: bool = False, direct_only: bool = False
) -> Any:
    """What a resource policy says of a request.

    `service` is the AWS service that makes it, such as `s3.amazonaws.com`. With `named_only` those statements count
    that name the caller, not only its account; with `direct_only` those that name its user or session.
    """
    concerns: Callable[[dict[str, Any]], bool] = lambda given: _concerns(given, ctx.principal_arn, service)  # noqa: E731
    if direct_only:
        concerns = lambda given: NAMES_DIRECTLY.current()(given.get("Principal", {}), ctx.principal_arn)  # noqa: E731
    elif named_only:
        concerns = lambda given: NAMES.current()(given.get("Principal", {}), ctx.principal_arn)  # noqa: E731
    statements = [statement for given, statement in _parsed(doc) if concerns(given)]
    return EVALUATE.current()(ctx, [statements])


def _concerns(given: dict[str, Any], caller: str, service: str | None) -> bool:
    if "NotPrincipal" in given:
        return not _is_excepted(given["NotPrincipal"], caller, service)
    return _includes(given.get("Principal", {}), caller, service)


def _includes(principal: Any, caller: str, service: str | None) -> bool:
    if not isinstance(principal, dict):
        return bool(MATCHES.current()(principal, caller))
    if MATCHES.current()({"AWS": principal.get("AWS", [])}, caller):
        return True
    return bool(service and IS_SERVICE.current()(principal, service))


def _is_excepted(principal: Any, caller: str, service: str | None) -> bool:
    """Whether NotPrincipal names a caller: a service by its name, others by their ARN and by their account.

    IAM evaluates the account before the user or role in it, so a list without the account excepts nobody in it.
    """
    if not isinstance(principal, dict):
        return bool(principal == "*")
    if service:
        return bool(IS_SERVICE.current()(principal, service))
    listed = _as_list(principal.get("AWS"))
    if "*" in listed:
        return True
    account = caller.split(":")[4] if caller.count(":") > 4 else ""
    has_account = bool({account, f"arn:aws:iam::{account}:root"} & set(listed))
    return has_account and (caller.endswith(":root") or bool(NAMES.current()(principal, caller)))


def _parsed(document: Any) -> _Parsed:
    return _parsed_text(document) if isinstance(document, str) else _statements(document)


@lru_cache(maxsize=1024)
def _parsed_text(text: str) -> _Parsed:
    return _statements(read(text))


def _statements(document: Any) -> _Parsed:
    return tuple((each, Statement(each, has_variables(document))) for each in raw_statements(document))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
