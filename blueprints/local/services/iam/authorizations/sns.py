"""Amazon SNS: everything about a topic on the topic, a batch as Publish, text messages on `*`.

Source: Service Authorization Reference, "Amazon SNS".
"""

from collections.abc import Mapping

from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, any_resource, by_operation

_WITHOUT_TOPIC = (
    "CheckIfPhoneNumberIsOptedOut",
    "CreatePlatformApplication",
    "CreatePlatformEndpoint",
    "CreateSMSSandboxPhoneNumber",
    "DeleteEndpoint",
    "DeletePlatformApplication",
    "DeleteSMSSandboxPhoneNumber",
    "GetEndpointAttributes",
    "GetPlatformApplicationAttributes",
    "GetSMSAttributes",
    "GetSMSSandboxAccountStatus",
    "GetSubscriptionAttributes",
    "ListEndpointsByPlatformApplication",
    "ListOriginationNumbers",
    "ListPhoneNumbersOptedOut",
    "ListPlatformApplications",
    "ListSMSSandboxPhoneNumbers",
    "ListSubscriptions",
    "ListTopics",
    "OptInPhoneNumber",
    "SetEndpointAttributes",
    "SetPlatformApplicationAttributes",
    "SetSMSAttributes",
    "SetSubscriptionAttributes",
    "Unsubscribe",
    "VerifySMSSandboxPhoneNumber",
)


def _topic(call: Call) -> str:
    """The topic, the endpoint of an application that a message goes to, or `*` for a phone number."""
    arn = call.text("TopicArn", "TargetArn", "ResourceArn")
    return arn or (call.arn(call.text("Name")) if call.text("Name") else "*")


def _subscription(call: Call) -> Mapping[str, str]:
    given = {"sns:Protocol": call.text("Protocol"), "sns:Endpoint": call.text("Endpoint")}
    return {key: value for key, value in given.items() if value}


_OPERATIONS = {
    **{operation: (Needs(operation, any_resource),) for operation in _WITHOUT_TOPIC},
    "CreateTopic": (
        Needs("CreateTopic", _topic),
        Needs("TagResource", _topic, when=lambda call: call.has("Tags", "Tags.member")),
    ),
    "PublishBatch": (Needs("Publish", _topic),),
    "Subscribe": (Needs("Subscribe", _topic, keys=_subscription),),
}

SERVICES = {"sns": by_operation("sns", _OPERATIONS, default=_topic)}
