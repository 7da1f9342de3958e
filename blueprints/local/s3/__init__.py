"""S3: signed URLs of the account's owner are verified, and templates name their buckets as S3 wants it."""

from blueprints.local.s3 import bucket_names, signed_urls

HOOKS = (*bucket_names.HOOKS, *signed_urls.HOOKS)


def install() -> None:
    """Extend the base emulator's S3."""
    bucket_names.install()
    signed_urls.install()
