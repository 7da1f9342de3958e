"""The managed policies of CodeDeploy's service role for functions, which the base emulator lacks.

Source: AWS Managed Policy Reference, AWSCodeDeployRoleForLambda and AWSCodeDeployRoleForLambdaLimited.
"""

from typing import Any

from blueprints.local.services import iam


def install() -> None:
    """Add the policies; `Limited` may not publish to topics."""
    for name, actions in (
        ("AWSCodeDeployRoleForLambda", [*_ACTIONS, "sns:Publish"]),
        ("AWSCodeDeployRoleForLambdaLimited", _ACTIONS),
    ):
        iam.add_managed_policy(
            f"service-role/{name}", _statements(actions), "Provides CodeDeploy with access to functions."
        )


_ACTIONS = [
    "cloudwatch:DescribeAlarms",
    "lambda:UpdateAlias",
    "lambda:GetAlias",
    "lambda:GetProvisionedConcurrencyConfig",
]


def _statements(actions: list[str]) -> list[dict[str, Any]]:
    objects = ["s3:GetObject", "s3:GetObjectVersion"]
    tagged = {"StringEquals": {"s3:ExistingObjectTag/UseWithCodeDeploy": "true"}}
    hooks = "arn:aws:lambda:*:*:function:CodeDeployHook_*"
    return [
        {"Effect": "Allow", "Action": actions, "Resource": "*"},
        {"Effect": "Allow", "Action": objects, "Resource": "arn:aws:s3:::*/CodeDeploy/*"},
        {"Effect": "Allow", "Action": objects, "Resource": "*", "Condition": tagged},
        {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": hooks},
    ]
