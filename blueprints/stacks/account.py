"""The AWS account of the environment's credentials and Region."""

from collections.abc import Callable
from functools import cache
from typing import Any

from blueprints.stacks.calls import RETRYING

HOW_TO_SIGN_IN = "run 'aws sso login' or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"

Client = Callable[[str], Any]
"""Makes a boto3 client of a service, such as `s3`."""


def account_client() -> tuple[Client | None, str | None]:
    """What makes boto3 clients of the account; or None, and a sentence without its full stop on what is missing.

    AWS_ENDPOINT_URL may point at an embedded AWS. Credentials are not checked with AWS.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            return None, "There are no AWS credentials"
        if session.region_name is None:
            return None, "There is no AWS Region"
    except BotoCoreError as error:
        return None, f"There are no usable AWS settings ({error})"
    return cache(lambda service: session.client(service, config=RETRYING)), None
