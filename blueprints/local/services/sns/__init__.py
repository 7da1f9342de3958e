"""SNS: delivers to functions and queues as AWS does."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.lambda_ import AsynchronousInvocations
from blueprints.local.services.sns import subscriptions


class Sns(Extension):
    """Replaces the base emulator's delivery to functions, and checks the policies of queues."""

    after = ("lambda_",)

    def install(self, aws: EmbeddedAws) -> None:
        subscriptions.install(aws.part(AsynchronousInvocations), aws.endpoint)


EXTENSION = Sns()
