"""The demo waits for a database that has paused since the load."""

import time
from decimal import Decimal
from types import SimpleNamespace

import demo
import pytest

OUTPUTS = {"PostgresTable": "lake.lake.revenue_per_day", "DatabaseClusterArn": "cluster", "SecretArn": "secret"}


class Resuming(Exception):
    """What boto3 raises while a cluster resumes."""


class Database:
    """Resumes at the first `calls` statements, then answers."""

    exceptions = SimpleNamespace(DatabaseResumingException=Resuming)

    def __init__(self, calls):
        self.calls = calls

    def execute_statement(self, **_):
        self.calls -= 1
        if self.calls >= 0:
            raise Resuming
        return {"records": [[{"stringValue": "2026-11-27"}, {"stringValue": "9.50"}]]}


def revenue(database):
    return demo.Lake(SimpleNamespace(outputs=OUTPUTS, client=lambda _: database)).revenue_in_postgres()


def test_a_database_that_resumes_is_asked_again(monkeypatch):
    monkeypatch.setattr(demo, "time", SimpleNamespace(sleep=lambda _: None, monotonic=time.monotonic))

    assert revenue(Database(calls=2)) == {"2026-11-27": Decimal("9.50")}


def test_a_database_that_does_not_resume_is_reported(monkeypatch):
    monkeypatch.setattr(demo, "RESUMING", 0)

    with pytest.raises(Resuming):
        revenue(Database(calls=9))
