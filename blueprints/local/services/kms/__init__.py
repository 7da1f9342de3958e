"""KMS: who may use the key that encrypts a bucket, a queue, a topic, a stream or a table."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.kms import (
    deliveries,
    dynamodb,
    key_policies,
    keys,
    kinesis,
    permissions,
    s3,
    secretsmanager,
    sns,
    sqs,
    template_properties,
)
from blueprints.local.services.kms.encrypted_resources import encryption_of, sending_refusal
from blueprints.local.services.kms.permissions import Encryption, KeyRefused, require, require_caller, usable
from blueprints.local.services.kms.s3 import new_object_encryption, object_encryption


class Kms(Extension):
    """Checks the permission on the key wherever an encrypted resource is read or written."""

    after = ("dynamodb", "iam", "kinesis", "secretsmanager")

    def install(self, aws: EmbeddedAws) -> None:
        for module in (
            keys,
            permissions,
            s3,
            sqs,
            sns,
            kinesis,
            dynamodb,
            secretsmanager,
            deliveries,
            template_properties,
            key_policies,
        ):
            module.install()


EXTENSION = Kms()
__all__ = [
    "EXTENSION",
    "Encryption",
    "KeyRefused",
    "encryption_of",
    "new_object_encryption",
    "object_encryption",
    "require",
    "require_caller",
    "sending_refusal",
    "usable",
]
