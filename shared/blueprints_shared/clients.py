"""AWS clients for handlers: bounded in time, so that a call that hangs cannot use up the invocation."""

from typing import Any

import botocore.session
from botocore.config import Config

__all__ = ["client"]


def client(service: str, *, connect_timeout: float = 2, read_timeout: float = 10, attempts: int = 3) -> Any:
    """A low-level client, the same as boto3's; times in seconds, `attempts` includes the first.

    It comes from botocore, which boto3 wraps: importing boto3 as well would add a third to a cold start.
    """
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return botocore.session.get_session().create_client(service, config=config)
