"""Rules of templates: on event buses of one's own, and by schedule; and events that EventBridge refuses."""

from blueprints.local.services.eventbridge import entries, rules, schedules

INTERNALS = (*entries.INTERNALS, *rules.INTERNALS, *schedules.INTERNALS)


def install(time_scale: float) -> None:
    """Look at every event that is put, have CloudFormation name rules as AWS does, and schedules keep their time."""
    entries.install()
    rules.install()
    schedules.install(time_scale)
