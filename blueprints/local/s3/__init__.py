"""S3: signed URLs of the account's owner are verified, and templates' buckets have valid names and their versioning."""

from blueprints.local.s3 import bucket_names, bucket_versioning, signed_urls

HOOKS = (*bucket_names.HOOKS, *bucket_versioning.HOOKS, *signed_urls.HOOKS)


def install() -> None:
    """Extend the base emulator's S3."""
    bucket_names.install()
    bucket_versioning.install()
    signed_urls.install()
