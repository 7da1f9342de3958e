"""CloudFormation: deletions that AWS refuses fail here too, and what could not be deleted stays in its stack."""

from blueprints.local.cloudformation import failed_rollbacks, nested_deletions, refused_deletions

HOOKS = (*failed_rollbacks.HOOKS, *nested_deletions.HOOKS, *refused_deletions.HOOKS)


def install() -> None:
    """Extend the base emulator's CloudFormation; after the extensions that replace a resource's handlers."""
    refused_deletions.install()
    nested_deletions.install()
    failed_rollbacks.install()
