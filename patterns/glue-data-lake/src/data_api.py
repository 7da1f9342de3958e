"""PostgreSQL through the RDS Data API: the function needs no driver, no connection and no VPC."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

_RESUMING = "DatabaseResumingException"
_PAUSE = 1.0  # seconds; a paused Aurora cluster takes about 15 to resume
_PATIENCE = 60.0  # seconds


class Transaction:
    """Runs statements in one transaction; made by `transaction`."""

    def __init__(self, client: Any, place: dict[str, str], identity: str) -> None:
        self._client, self._place, self._identity = client, place, identity

    def rows(self, sql: str, **parameters: str) -> list[list[Any]]:
        """Run a statement with named parameters, and return its rows as plain values."""
        answer = self._client.execute_statement(
            **self._place,
            transactionId=self._identity,
            sql=sql,
            parameters=[{"name": name, "value": {"stringValue": value}} for name, value in parameters.items()],
        )
        return [[_plain(field) for field in record] for record in answer.get("records", [])]


@contextmanager
def transaction(client: Any, cluster_arn: str, secret_arn: str, database: str) -> Iterator[Transaction]:
    """A transaction that is committed at the end of the block, and rolled back if the block raises."""
    arns = {"resourceArn": cluster_arn, "secretArn": secret_arn}
    place = {**arns, "database": database}
    identity = _resumed(lambda: client.begin_transaction(**place))["transactionId"]
    try:
        yield Transaction(client, place, identity)
    except BaseException:
        client.rollback_transaction(**arns, transactionId=identity)
        raise
    client.commit_transaction(**arns, transactionId=identity)


def _resumed(call: Callable[[], Any]) -> Any:
    """Repeat a call while a paused cluster resumes; the first call, which it refuses, wakes it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] != _RESUMING or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _plain(field: dict[str, Any]) -> Any:
    ((kind, value),) = field.items()
    return None if kind == "isNull" else value
