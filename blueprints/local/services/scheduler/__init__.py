"""EventBridge Scheduler: acts in the role of a schedule."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.scheduler import metrics, schedules
from blueprints.local.services.scheduler.schedules import may_dead_letter, payload, refusal


class Scheduler(Extension):
    """Checks roles of schedules, and looks for due schedules every second."""

    def install(self, aws: EmbeddedAws) -> None:
        schedules.install()


EXTENSION = Scheduler()
__all__ = ["EXTENSION", "may_dead_letter", "metrics", "payload", "refusal"]
