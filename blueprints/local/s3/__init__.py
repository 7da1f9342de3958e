"""S3: signed URLs of the account's owner are verified, whichever signature version signed them."""

from blueprints.local.s3 import signed_urls

HOOKS = signed_urls.HOOKS


def install() -> None:
    """Extend the base emulator's S3."""
    signed_urls.install()
