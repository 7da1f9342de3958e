"""S3: verifies the owner's signed URLs, and checks names and versioning of templates' buckets."""

from blueprints.local.services.s3 import bucket_names, bucket_versioning, signed_urls

INTERNALS = (*bucket_names.INTERNALS, *bucket_versioning.INTERNALS, *signed_urls.INTERNALS)


def install() -> None:
    """Extend the base emulator's S3."""
    bucket_names.install()
    bucket_versioning.install()
    signed_urls.install()
