"""S3: signed URLs, names and versioning of templates' buckets, missing keys, and notifications that need permission."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.lambda_ import AsynchronousInvocations
from blueprints.local.services.s3 import (
    bucket_names,
    bucket_versioning,
    foreign_buckets,
    missing_objects,
    notifications,
    signed_urls,
)


class S3(Extension):
    """Extends the base emulator's buckets and replaces its delivery of notifications."""

    after = ("lambda_",)

    def install(self, aws: EmbeddedAws) -> None:
        bucket_names.install()
        bucket_versioning.install()
        signed_urls.install()
        missing_objects.install()
        foreign_buckets.install()
        notifications.install(aws.part(AsynchronousInvocations))


EXTENSION = S3()
