"""Tags given at creation: a request that creates something with tags also needs the permission to tag it.

Sources: Service Authorization Reference; botocore's documentation of the parameters.
"""

from collections.abc import Mapping, Sequence

from blueprints.local.services.iam.authorizations.call import Authorization, Call

_Tagging = tuple[str, str]
"""The parameter with the tags, and the action that the request needs if it has them."""

_OF_GLUE = ("CreateCrawler", "CreateDatabase", "CreateJob", "CreateRegistry", "CreateTrigger", "CreateWorkflow")
_OF_CLOUDWATCH = ("PutCompositeAlarm", "PutInsightRule", "PutMetricAlarm", "PutMetricStream")

_TAGGING: Mapping[str, Mapping[str, _Tagging]] = {
    "appsync": {"CreateGraphqlApi": ("tags", "appsync:TagResource")},
    "athena": {"CreateWorkGroup": ("Tags", "athena:TagResource")},
    "codedeploy": {"CreateApplication": ("tags", "codedeploy:TagResource")},
    "codepipeline": {"CreatePipeline": ("tags", "codepipeline:TagResource")},
    "cognito-identity": {"CreateIdentityPool": ("IdentityPoolTags", "cognito-identity:TagResource")},
    "cognito-idp": {"CreateUserPool": ("UserPoolTags", "cognito-idp:TagResource")},
    "dynamodb": {"CreateTable": ("Tags", "dynamodb:TagResource")},
    "events": {
        "CreateEventBus": ("Tags", "events:TagResource"),
        "PutRule": ("Tags", "events:TagResource"),
    },
    "firehose": {"CreateDeliveryStream": ("Tags", "firehose:TagDeliveryStream")},
    "glue": dict.fromkeys(_OF_GLUE, ("Tags", "glue:TagResource")),
    "iam": {
        "CreateInstanceProfile": ("Tags", "iam:TagInstanceProfile"),
        "CreatePolicy": ("Tags", "iam:TagPolicy"),
        "CreateRole": ("Tags", "iam:TagRole"),
        "CreateUser": ("Tags", "iam:TagUser"),
    },
    "kinesis": {"CreateStream": ("Tags", "kinesis:AddTagsToStream")},
    "lambda": {"CreateFunction": ("Tags", "lambda:TagResource")},
    "monitoring": dict.fromkeys(_OF_CLOUDWATCH, ("Tags", "cloudwatch:TagResource")),
    "pipes": {"CreatePipe": ("Tags", "pipes:TagResource")},
    "scheduler": {"CreateScheduleGroup": ("Tags", "scheduler:TagResource")},
    "secretsmanager": {"CreateSecret": ("Tags", "secretsmanager:TagResource")},
    "ssm": {"PutParameter": ("Tags", "ssm:AddTagsToResource")},
    "states": {
        "CreateActivity": ("tags", "states:TagResource"),
        "CreateStateMachine": ("tags", "states:TagResource"),
    },
}


def creation_tags(call: Call, authorizations: Sequence[Authorization]) -> list[Authorization]:
    """The permission to tag, on the resource of `authorizations`, if the call creates something with tags; or none."""
    tagging = _TAGGING.get(call.service, {}).get(call.operation)
    if tagging is None or not authorizations or not call.has(tagging[0]):
        return []
    return [Authorization(tagging[1], authorizations[0].resource)]
