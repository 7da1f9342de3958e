"""SNS: delivers to functions and queues as AWS does, and records its metrics."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.lambda_ import AsynchronousInvocations
from blueprints.local.services.sns import filter_policies, metrics, subscriptions


class Sns(Extension):
    """Replaces the delivery to functions and the matching of filter policies, and checks the policies of queues."""

    after = ("lambda_",)

    def install(self, aws: EmbeddedAws) -> None:
        subscriptions.install(aws.part(AsynchronousInvocations), aws.endpoint)
        filter_policies.install()
        metrics.install()


EXTENSION = Sns()
