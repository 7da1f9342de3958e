"""The AWS account of the credentials and the Region that the environment or the command line names."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from blueprints.errors import BlueprintError
from blueprints.stacks.calls import RETRYING

HOW_TO_SIGN_IN = "run 'aws sso login' or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION"

_FIVE_ATTEMPTS = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 5})

Client = Callable[[str], Any]
"""Makes a boto3 client of a service, such as `s3`."""


def account_client() -> tuple[Client | None, str | None]:
    """What makes boto3 clients of the account; or None, and a sentence without its full stop on what is missing.

    AWS_ENDPOINT_URL may point at an embedded AWS. Credentials are not checked with AWS.
    """
    try:
        return sign_in(None, None, None, RETRYING), None
    except BlueprintError as error:
        return None, error.what.removesuffix(".")


def sign_in(profile: str | None, region: str | None, endpoint: str | None, config: Config = _FIVE_ATTEMPTS) -> Client:
    """What makes boto3 clients, each once, for the account of a profile or of the environment.

    `endpoint` is the URL of another AWS; None is AWS itself, or AWS_ENDPOINT_URL. `config` says how calls are retried.
    Credentials are not checked with AWS.
    Raises BlueprintError if there are no credentials, no Region or no such profile.
    """
    import boto3

    # boto3 reads AWS_DEFAULT_REGION only; most other SDKs read AWS_REGION.
    region = region or os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise BlueprintError(
            f"AWS cannot be called: {error}", advice="List the profiles with 'aws configure list-profiles'."
        ) from error
    if credentials is None:
        raise BlueprintError(
            "There are no AWS credentials.",
            advice="Run 'aws sso login', name a --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. "
            "For an embedded AWS, name its --endpoint.",
        )
    if not session.region_name:
        raise BlueprintError("There is no AWS Region.", advice="Name a --region, or set AWS_DEFAULT_REGION.")
    if endpoint:
        config = config.merge(Config(inject_host_prefix=False))  # a host such as sync-127.0.0.1 does not exist
    return cache(lambda service: session.client(service, endpoint_url=endpoint, config=config))


def endpoint_host(url: str) -> str:
    """The host of an endpoint. Raises BlueprintError if it is not a URL."""
    host = urlsplit(url).hostname
    if not host:
        raise BlueprintError(f"{url!r} is not a URL.", advice="Write it as `blueprints up` shows it: http://HOST:PORT")
    return host
