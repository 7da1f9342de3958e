"""Reads the Resource of a Task state: which service, which action, which way of waiting."""

import re
from dataclasses import dataclass

REQUEST_RESPONSE = ""
RUN_A_JOB = ".sync"
RUN_A_JOB_2 = ".sync:2"
CALLBACK = ".waitForTaskToken"

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:\S+")
_ACTIVITY = re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:activity:\S+")
_INTEGRATION = re.compile(
    r"arn:[\w-]+:states:::(?P<type>(?:aws-sdk:)?[\w-]+):(?P<action>\w+)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)


@dataclass(frozen=True)
class Integration:
    """A service integration, such as `arn:aws:states:::sqs:sendMessage.waitForTaskToken`."""

    resource_type: str
    """The service, such as `sqs` or `aws-sdk:sqs`."""
    action: str
    """Such as `sendMessage`."""
    pattern: str = REQUEST_RESPONSE

    @property
    def is_aws_sdk(self) -> bool:
        """Whether any API of any service is called by its name."""
        return self.resource_type.startswith("aws-sdk:")

    @property
    def service(self) -> str:
        """The service without `aws-sdk:`."""
        return self.resource_type.removeprefix("aws-sdk:")

    @property
    def is_job(self) -> bool:
        """Whether the task waits for the end of what it starts."""
        return self.pattern in (RUN_A_JOB, RUN_A_JOB_2)

    @property
    def names(self) -> dict[str, str]:
        """What every event of the integration says about it."""
        return {"resourceType": self.resource_type, "resource": self.action + self.pattern}


def is_function(resource: str) -> bool:
    """Whether a Resource is a Lambda function, version or alias."""
    return _FUNCTION.fullmatch(resource) is not None


def is_activity(resource: str) -> bool:
    """Whether a Resource is an activity."""
    return _ACTIVITY.fullmatch(resource) is not None


def integration_of(resource: str) -> Integration | None:
    """The service integration that a Resource names; None if it is none."""
    found = _INTEGRATION.fullmatch(resource)
    return Integration(found["type"], found["action"], found["pattern"] or "") if found else None
