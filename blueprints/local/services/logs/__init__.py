"""CloudWatch Logs: filter patterns and subscriptions work as on AWS."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.lambda_ import AsynchronousInvocations
from blueprints.local.services.logs import filtering, subscriptions
from blueprints.local.services.logs.writing import Line, append


class Logs(Extension):
    """Replaces the base emulator's filter patterns and its delivery to subscribed functions."""

    after = ("lambda_",)

    def install(self, aws: EmbeddedAws) -> None:
        subscriptions.install(aws.part(AsynchronousInvocations))
        filtering.install()


EXTENSION = Logs()
__all__ = ["EXTENSION", "Line", "append"]
