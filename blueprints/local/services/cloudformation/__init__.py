"""CloudFormation: deletions and exports that AWS refuses fail, and resources that remain stay in their stack."""

from blueprints.local.services.cloudformation import (
    exports,
    failed_rollbacks,
    kept_transforms,
    nested_deletions,
    refused_deletions,
    secret_references,
)

INTERNALS = (
    *secret_references.INTERNALS,
    *exports.INTERNALS,
    *failed_rollbacks.INTERNALS,
    *nested_deletions.INTERNALS,
    *refused_deletions.INTERNALS,
)


def install() -> None:
    """Extend the base emulator's CloudFormation; after the extensions that replace a resource's handlers."""
    refused_deletions.install()
    nested_deletions.install()
    failed_rollbacks.install()
    exports.install()
    secret_references.install()
    kept_transforms.install()
