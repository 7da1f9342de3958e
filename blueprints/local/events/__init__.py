"""Rules of templates: on event buses of one's own, and by schedule."""

from blueprints.local.events import rules, schedules

HOOKS = (*rules.HOOKS, *schedules.HOOKS)


def install(time_scale: float) -> None:
    """Have CloudFormation name rules as AWS does, and schedules keep their time."""
    rules.install()
    schedules.install(time_scale)
