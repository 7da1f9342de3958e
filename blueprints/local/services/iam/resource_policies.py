"""What the policy of a resource lets an AWS service do, such as deliver to a function or a queue."""

from typing import Any

from blueprints.local.base.internals import Internal

FUNCTION_POLICY = Internal("services.lambda_svc", "function_policy_for_arn", ("resource_arn",))
QUEUE_ALLOWS = Internal("services.sqs", "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account"))
EVALUATE = Internal(
    "core.iam_evaluator", "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")
)
CONTEXT = Internal("core.iam_evaluator", "EvalContext")


def may_invoke(function_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a function's policy allows a service such as `events.amazonaws.com` to invoke it for a source."""
    found: tuple[dict[str, Any], str] | None = FUNCTION_POLICY.current()(function_arn)
    if found is None:
        return False
    policy, _owner = found
    keys = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account}
    return policy_allows(policy, service, "lambda:InvokeFunction", function_arn, function_arn.split(":")[3], keys)


def policy_allows(policy: Any, service: str, action: str, resource_arn: str, region: str, keys: dict[str, str]) -> bool:
    """Whether a resource's policy allows an action to a service; `keys` are condition keys, in lower case."""
    context = CONTEXT.current()(
        # The caller is the service itself: a grant to an account does not cover it, a grant to `*` does.
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=region,
        secure_transport=True,
        service_context={**keys, "aws:principalservicename": service, "aws:principalservicenameslist": [service]},
    )
    return bool(EVALUATE.current()(policy, context, service=service).decision == "Allow")


def may_send(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a queue's policy allows a service to send messages for a source."""
    return bool(QUEUE_ALLOWS.current()(queue_arn, service, source_arn, source_account))
