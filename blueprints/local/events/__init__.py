"""EventBridge: rules of templates on event buses of one's own, and entries that are refused."""

from blueprints.local.events import entries, rules

HOOKS = (*entries.HOOKS, *rules.HOOKS)


def install() -> None:
    """Have CloudFormation name rules as AWS does, and look at every event that is put."""
    entries.install()
    rules.install()
