"""Permissions on versions and aliases: a policy may name the state machine, or the version or alias itself.

The Developer Guide ("Authorization for versions and aliases") says that requests are judged by the ARN of the state
machine. The Service Authorization Reference lists versions and aliases as resources too, and SAM's policies for
UseAliasAsEventTarget name the alias alone.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.stepfunctions.api import arns

EVALUATE = Internal("core.iam_evaluator", "evaluate", ("ctx", "policies", "limits"))

_QUALIFIER = "states:StateMachineQualifier"


def install() -> None:
    """Evaluate a request about a version or an alias for the ARN of its state machine, then for its own."""
    evaluate: Callable[..., Any] = EVALUATE.current()

    def evaluate_both(ctx: Any, policies: Any, *limits: Any) -> Any:
        if f":{arns.MACHINE}:" not in ctx.resource_arn:
            return evaluate(ctx, policies, *limits)
        keys = {name.lower(): value for name, value in ctx.service_context.items()}
        machine, qualifier = arns.unqualified(ctx.resource_arn)
        qualifier = qualifier or keys.get(_QUALIFIER.lower(), "")
        if not qualifier:
            return evaluate(ctx, policies, *limits)
        asked = replace(ctx, resource_arn=machine, service_context={**keys, _QUALIFIER.lower(): qualifier})
        found = evaluate(asked, policies, *limits)
        if found.decision != "ImplicitDeny":
            return found
        return evaluate(replace(asked, resource_arn=f"{machine}:{qualifier}"), policies, *limits)

    EVALUATE.replace(evaluate_both)
