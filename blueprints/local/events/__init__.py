"""Rules of templates on event buses of one's own."""

from blueprints.local.events import rules

HOOKS = rules.HOOKS


def install() -> None:
    """Have CloudFormation name rules as AWS does."""
    rules.install()
