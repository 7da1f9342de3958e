"""EventBridge: rules of templates, checks of events, and delivery to targets with retries and dead letters."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.eventbridge import entries, event_patterns, rules, schedules, targets
from blueprints.local.services.eventbridge.state_changes import announce
from blueprints.local.services.eventbridge.targets import is_rule
from blueprints.local.services.lambda_ import AsynchronousInvocations


class EventBridge(Extension):
    """Checks events and patterns, names rules as AWS does, and replaces matching and the delivery to targets."""

    after = ("lambda_", "scheduler")

    def install(self, aws: EmbeddedAws) -> None:
        entries.install()
        event_patterns.install()
        rules.install()
        schedules.install(aws.clock)
        targets.install(aws, aws.part(AsynchronousInvocations))


EXTENSION = EventBridge()
__all__ = ["EXTENSION", "announce", "is_rule"]
