"""Rules of templates: on event buses of one's own, and by schedule; and events that EventBridge refuses."""

from blueprints.local.events import entries, rules, schedules

HOOKS = (*entries.HOOKS, *rules.HOOKS, *schedules.HOOKS)


def install(time_scale: float) -> None:
    """Look at every event that is put, have CloudFormation name rules as AWS does, and schedules keep their time."""
    entries.install()
    rules.install()
    schedules.install(time_scale)
