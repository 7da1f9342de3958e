"""A fast model in memory of what PostgreSQL does with the statements of migrations.py and replica.py.

test_model_database.py runs the same statements on both, and compares every response and every row.
"""

import json
from dataclasses import dataclass
from decimal import Decimal

import replica
from unreliable_services import aws_error

SCHEMA = "replica"
# PostgreSQL's numeric has at most this many digits before the decimal point.
LARGEST_EXPONENT = 131_071


@dataclass(frozen=True)
class Row:
    """A row of `items`, with the columns that matter for its result."""

    key: str
    item: str | None
    state: str
    stream: str
    number: int

    @property
    def place(self):
        """Its position among the changes of its key."""
        return self.stream, self.number


VERSION = f"SELECT version FROM {SCHEMA}.migrations"
WRITE = replica._WRITE.format(schema=SCHEMA)
UNGUARDED, GUARD, _ = WRITE.partition("    WHERE (stored.stream")
assert GUARD, "the statement of replica.py has no WHERE clause for stored rows"


class ModelDatabase:
    """Runs the known statements, and raises KeyError for any other, so that it cannot become outdated unnoticed.

    `moved` is called with the old and the new version of each row that changes.
    """

    def __init__(self, moved=lambda before, after: None):
        self.rows = {}
        self.versions = set()
        self._transactions = {}
        self._begun = 0
        self._moved = moved
        self._statements = {
            VERSION: self._version,
            WRITE: lambda rows: self._write(rows, self._is_later),
            UNGUARDED: lambda rows: self._write(rows, lambda stored, new: True),
        }

    def execute_statement(self, *, sql, parameters, transactionId=None, **_):
        """Respond or raise as the Data API does."""
        if transactionId is not None:
            versions = self._open(transactionId)
            if sql.startswith("INSERT INTO migrations"):
                versions.append(parameters[0]["value"]["longValue"])
            return {"records": [], "numberOfRecordsUpdated": 0}
        values = {each["name"]: next(iter(each["value"].values())) for each in parameters}
        return self._statements[sql](**values)

    def begin_transaction(self, **_):
        """Begin a transaction, and end those of killed attempts, which the Data API ends after three minutes."""
        self._begun += 1
        self._transactions = {f"transaction-{self._begun}": []}
        return {"transactionId": f"transaction-{self._begun}"}

    def commit_transaction(self, *, transactionId, **_):
        """Commit the migrations of the transaction; nothing else runs in one."""
        self.versions.update(self._open(transactionId))
        del self._transactions[transactionId]

    def rollback_transaction(self, *, transactionId, **_):
        self._open(transactionId)
        del self._transactions[transactionId]

    def _open(self, identity):
        if identity not in self._transactions:
            raise aws_error("TransactionNotFoundException")
        return self._transactions[identity]

    def _version(self):
        self._look_for_schema()
        return {"records": [[{"longValue": version}] for version in sorted(self.versions)], "numberOfRecordsUpdated": 0}

    def _look_for_schema(self):
        if not self.versions:
            raise refused("42P01")

    @staticmethod
    def _is_later(stored, new):
        return (*stored.place, stored.state != "rejected") < (*new.place, new.state != "rejected")

    def _write(self, rows, gives_way):
        self._look_for_schema()
        changes = _parsed(rows)
        assert len({each["id"] for each in changes}) == len(changes), "a statement updates a row twice"
        count = 0
        for change in changes:
            new = _row(change)
            assert (new.item is not None) == (new.state == "present")
            stored = self.rows.get(change["id"])
            if stored is None or gives_way(stored, new):
                self._moved(stored, new)
                self.rows[change["id"]] = new
                count += 1
        return {"records": [], "numberOfRecordsUpdated": count}


def refused(state):
    return aws_error("DatabaseErrorException", f"ERROR: refused; SQLState: {state}")


def _parsed(text):
    try:
        changes = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_no_number)
    except ValueError as error:
        raise refused("22P02") from error
    if "\\u0000" in text and _holds_nul(changes):
        raise refused("22P05")
    return changes


def _holds_nul(value):
    if isinstance(value, dict):
        return any(map(_holds_nul, [*value, *value.values()]))
    return any(map(_holds_nul, value)) if isinstance(value, list) else "\0" in str(value)


def _number(text):
    number = Decimal(text)
    if number and number.adjusted() > LARGEST_EXPONENT:
        raise refused("22003")
    return number


def _no_number(text):
    raise ValueError(text)


def _row(change):
    return Row(
        _canonical(change["key"]),
        None if change["item"] is None else _canonical(change["item"]),
        change["state"],
        change["stream"],
        int(change["sequence_number"]),
    )


def _canonical(value):
    """The same text for equal jsonb values; numbers as PostgreSQL writes them, which has no -0."""
    return json.dumps(value, sort_keys=True, default=lambda number: f"{number or abs(number):f}")


def rows_of(data_api, schema):
    """The rows of the table in a real PostgreSQL, in the form of the model."""
    answer = data_api.execute_statement(
        f"SELECT id, key::text, item::text, state, stream, sequence_number::text FROM {schema}.items", []
    )
    rows = {}
    for record in answer["records"]:
        each, key, item, state, stream, number = (field.get("stringValue") for field in record)
        found = {"key": _plain(key), "item": item and _plain(item), "state": state, "stream": stream}
        rows[each] = _row({**found, "sequence_number": number})
    return rows


def _plain(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)
