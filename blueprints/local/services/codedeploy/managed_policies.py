"""The managed policies of CodeDeploy's service role for functions, which the base emulator lacks.

Source: AWS Managed Policy Reference, AWSCodeDeployRoleForLambda and AWSCodeDeployRoleForLambdaLimited.
"""

import json
from typing import Any

from blueprints.local.base.internals import Internal

MANAGED = Internal("services.iam", "_aws_managed_policies")
RECORD = Internal("services.iam", "_make_aws_managed_record", ("name", "document", "description"))


def install() -> None:
    """Add the policies; `Limited` may not publish to topics."""
    for name, actions in (
        ("AWSCodeDeployRoleForLambda", [*_ACTIONS, "sns:Publish"]),
        ("AWSCodeDeployRoleForLambdaLimited", _ACTIONS),
    ):
        document = json.dumps({"Version": "2012-10-17", "Statement": _statements(actions)})
        record = RECORD.current()(f"service-role/{name}", document, "Provides CodeDeploy with access to functions.")
        MANAGED.current()[record["Arn"]] = record


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
