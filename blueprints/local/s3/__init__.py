"""S3: verifies the owner's signed URLs, and checks names and versioning of templates' buckets."""

from blueprints.local.s3 import bucket_names, bucket_versioning, signed_urls

HOOKS = (*bucket_names.HOOKS, *bucket_versioning.HOOKS, *signed_urls.HOOKS)


def install() -> None:
    """Extend the base emulator's S3."""
    bucket_names.install()
    bucket_versioning.install()
    signed_urls.install()
