"""PostgreSQL through the RDS Data API: the function needs no driver, no connection and no VPC."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["Database", "DatabaseRefused"]

_STATE = re.compile(r"SQLState: (?P<state>[0-9A-Z]{5})")
_RESUMING = "DatabaseResumingException"
_REFUSED = {"DatabaseErrorException", "BadRequestException"}
_PAUSE = 1.0  # seconds; a paused Aurora cluster takes about 15 to resume


class DatabaseRefused(Exception):
    """PostgreSQL refused a statement; `sqlstate` is its reason, None if the Data API itself refused it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        state = _STATE.search(message)
        self.sqlstate = state["state"] if state else None

    @property
    def concerns_data(self) -> bool:
        """Whether a value is at fault (data exception, constraint, limit, trigger), not the state of the database."""
        return self.sqlstate is not None and (self.sqlstate[:2] in ("22", "23", "54") or self.sqlstate == "P0001")


class Database:
    """Runs statements, each in its own transaction unless `transaction` is used.

    `deadline` (of time.monotonic) limits the wait for a paused cluster; set it in each invocation.
    """

    def __init__(
        self, client: Any, cluster_arn: str, secret_arn: str, name: str, transaction: str | None = None
    ) -> None:
        self._client = client
        self._arns = {"resourceArn": cluster_arn, "secretArn": secret_arn}
        self._place = {**self._arns, "database": name}
        self._transaction = transaction
        self.deadline = 0.0

    def run(self, sql: str, **parameters: str | int) -> dict[str, Any]:
        """Run one statement with named parameters. Raises DatabaseRefused, or what the client raises."""
        request = {**self._place, "sql": sql, "parameters": [_named(*each) for each in parameters.items()]}
        if self._transaction:
            request["transactionId"] = self._transaction
        return self._retrying(lambda: self._client.execute_statement(**request))

    def rows(self, sql: str, **parameters: str | int) -> list[list[Any]]:
        """The rows of a query, as plain values."""
        return [[_plain(field) for field in record] for record in self.run(sql, **parameters)["records"]]

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator["Database"]:
        """One transaction: committed at the end if `keep`, rolled back if not or if the block raises."""
        identity = self._retrying(lambda: self._client.begin_transaction(**self._place))["transactionId"]
        inside = Database(self._client, *self._arns.values(), self._place["database"], identity)
        inside.deadline = self.deadline
        try:
            yield inside
        except BaseException:
            self._client.rollback_transaction(**self._arns, transactionId=identity)
            raise
        end = self._client.commit_transaction if keep else self._client.rollback_transaction
        end(**self._arns, transactionId=identity)

    def _retrying(self, call: Callable[[], Any]) -> Any:
        """Repeat the call while the cluster resumes; the first call, which it refuses, wakes it."""
        while True:
            try:
                return call()
            except ClientError as error:
                code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
                if code in _REFUSED:
                    raise DatabaseRefused(message) from error
                if code != _RESUMING or time.monotonic() + _PAUSE > self.deadline:
                    raise
            time.sleep(_PAUSE)


def _named(name: str, value: str | int) -> dict[str, Any]:
    return {"name": name, "value": {"longValue": value} if isinstance(value, int) else {"stringValue": value}}


def _plain(field: dict[str, Any]) -> Any:
    ((kind, value),) = field.items()
    return None if kind == "isNull" else value
