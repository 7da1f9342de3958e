"""Asks a resource's own policy whether an AWS service may act on it: what AWS checks at every delivery."""

from typing import Any

from blueprints.local.base.internals import Internal

FUNCTION_POLICY = Internal("services.lambda_svc", "function_policy_for_arn", ("resource_arn",))
QUEUE_ALLOWS = Internal("services.sqs", "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account"))
EVALUATE = Internal(
    "core.iam_evaluator", "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")
)
CONTEXT = Internal("core.iam_evaluator", "EvalContext")
INTERNALS = (FUNCTION_POLICY, QUEUE_ALLOWS, EVALUATE, CONTEXT)


def may_invoke(function_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a function's policy lets a service such as `events.amazonaws.com` invoke it for a source."""
    found: tuple[dict[str, Any], str] | None = FUNCTION_POLICY.current()(function_arn)
    if found is None:
        return False
    policy, _owner = found
    context = CONTEXT.current()(
        # The caller is the service itself: a grant to an account must not let it in, a grant to `*` does.
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=function_arn.split(":")[3],
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": source_account},
    )
    return bool(EVALUATE.current()(policy, context, service=service).decision == "Allow")


def may_send(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a queue's policy lets a service put messages into it for a source."""
    return bool(QUEUE_ALLOWS.current()(queue_arn, service, source_arn, source_account))
