"""EventBridge Pipes: from queues and DynamoDB streams to state machines, functions, queues and topics.

The base emulator looks at every pipe once a second.
"""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.pipes import refusals, running, settings


class Pipes(Extension):
    """Extends the base emulator's pipes."""

    after = ("dynamodb", "kms", "lambda_", "sqs", "stepfunctions")

    def install(self, aws: EmbeddedAws) -> None:
        settings.install()
        refusals.install()
        running.install(aws.endpoint)


EXTENSION = Pipes()
__all__ = ["EXTENSION"]
