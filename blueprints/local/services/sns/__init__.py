"""SNS: delivers to functions and queues as AWS does, and records its metrics."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.lambda_ import AsynchronousInvocations
from blueprints.local.services.sns import metrics, subscriptions


class Sns(Extension):
    """Replaces the base emulator's delivery to functions, and checks the policies of queues."""

    after = ("lambda_",)

    def install(self, aws: EmbeddedAws) -> None:
        subscriptions.install(aws.part(AsynchronousInvocations), aws.endpoint)
        metrics.install()


EXTENSION = Sns()
