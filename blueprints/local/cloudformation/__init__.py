"""CloudFormation: deletions and exports that AWS refuses fail, and resources that remain stay in their stack."""

from blueprints.local.cloudformation import (
    exports,
    failed_rollbacks,
    nested_deletions,
    refused_deletions,
    secret_references,
)

HOOKS = (
    *secret_references.HOOKS,
    *exports.HOOKS,
    *failed_rollbacks.HOOKS,
    *nested_deletions.HOOKS,
    *refused_deletions.HOOKS,
)


def install() -> None:
    """Extend the base emulator's CloudFormation; after the extensions that replace a resource's handlers."""
    refused_deletions.install()
    nested_deletions.install()
    failed_rollbacks.install()
    exports.install()
    secret_references.install()
