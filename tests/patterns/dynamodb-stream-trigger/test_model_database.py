"""The model database behaves like PostgreSQL: both run the same statements, with the same results."""

import json
import re
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_database import SCHEMA, VERSION, WRITE, ModelDatabase, rows_of
from replica import Replica, chunked, reduced
from replica_life import Replicating
from sql_database import Database, DatabaseRefused
from streamed import LATER_STREAM, STREAM, StreamedTable

TRIED = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Both:
    """The model and a real PostgreSQL; records every difference between their responses and rows."""

    def __init__(self, data_api, moved=lambda before, after: None):
        self.model, self._data_api = ModelDatabase(moved), data_api
        self._identities = {}
        self.differences = []  # not raised, because a handler would take it for a failure of the database
        data_api.execute_statement(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", [])

    @property
    def rows(self):
        return self.model.rows

    def execute_statement(self, transactionId=None, **request):
        inside = {} if transactionId is None else {"transactionId": transactionId}
        answer = self._both(
            lambda: self.model.execute_statement(**inside, **request),
            lambda: self._data_api.execute_statement(
                request["sql"], request["parameters"], **{name: self._identities[each] for name, each in inside.items()}
            ),
            compared=not inside,
        )
        if not inside and request["sql"] == WRITE:
            self._same(self.model.rows, rows_of(self._data_api, SCHEMA))
        return answer

    def begin_transaction(self, **place):
        for identity in self._identities.values():
            self._data_api.rollback_transaction(identity)
        begun = self.model.begin_transaction(**place)
        self._identities = {begun["transactionId"]: self._data_api.begin_transaction(**place)["transactionId"]}
        return begun

    def commit_transaction(self, *, transactionId, **_):
        self.model.commit_transaction(transactionId=transactionId)
        self._data_api.commit_transaction(self._identities.pop(transactionId))

    def rollback_transaction(self, *, transactionId, **_):
        self.model.rollback_transaction(transactionId=transactionId)
        self._data_api.rollback_transaction(self._identities.pop(transactionId))

    def _both(self, of_model, of_postgres, *, compared):
        """Run the statement on both, compare, and respond or raise as the model does."""
        try:
            answer, error = of_model(), None
        except ClientError as raised:
            answer, error = None, raised
        if error and error.response["Error"]["Code"] == "TransactionNotFoundException":
            raise error
        try:
            found, state = of_postgres(), None
        except ClientError as raised:
            found, state = None, _state(raised)
        self._same(error and _state(error), state)
        if compared and not error and not state:
            self._same(answer, found)
        if error:
            raise error
        return answer

    def _same(self, of_model, of_postgres):
        if of_model != of_postgres:
            self.differences.append((of_model, of_postgres))


def _state(error):
    return re.search(r"SQLState: (\w+)", error.response["Error"]["Message"])[1]


@pytest.mark.parametrize("kind", [{}, {"late": True}, {"rewound": True}], ids=["drained", "late", "rewound"])
def test_both_play_schedules_with_the_same_results(data_api, kind):
    """The simulation's checks hold on PostgreSQL, and the model gives the same result for each statement."""
    for seed in range(20):
        life = Replicating(seed, database=lambda moved: Both(data_api, moved), **kind)
        life.play()
        assert not life.database.differences


numbers = st.one_of(
    st.integers(-(10**38), 10**38).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        ["0", "-0.00", "1E+131071", "1E+131072", "1E-130", "9" * 38 + "E+87", "NaN", "Infinity", "-Infinity"]
    ),
)
texts = st.text(max_size=6) | st.sampled_from(
    ["\0", "a\0b", "\\u0000", "\\", '"', "\x01", "NaN", "'); DROP TABLE items"]
)
values = st.recursive(
    texts.map(lambda value: {"S": value})
    | numbers.map(lambda value: {"N": value})
    | st.booleans().map(lambda value: {"BOOL": value})
    | st.just({"NULL": True})
    | st.just({"B": "AP8="}),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda some: {"L": some})
        | st.dictionaries(texts, inner, max_size=3).map(lambda some: {"M": some})
    ),
    max_leaves=4,
)
steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "put", "delete", "expire"]), values),
    min_size=1,
    max_size=8,
)


@TRIED
@given(steps=steps, remade=st.booleans(), order=st.randoms(use_true_random=False), size=st.integers(1, 4))
def test_both_give_the_same_results_for_any_values(data_api, steps, remade, order, size):
    """Any values, in any order, from two streams, repeated, in statements of several rows."""
    both = Both(data_api)
    database = Database(both, "cluster", "secret", "replica")
    Replica(database, SCHEMA).prepare(0)
    table, records = StreamedTable(STREAM), []
    for number, (name, what, value) in enumerate(steps):
        if remade and number == len(steps) // 2:
            table = StreamedTable(LATER_STREAM, start=7)
        records.append(table.put(name, value=value) if what == "put" else getattr(table, what)(name))
    records += order.sample(records, len(records) // 2)
    order.shuffle(records)

    for at in range(0, len(records), size):
        for chunk in chunked(reduced(records[at : at + size]).entries):
            rows = b"[" + b",".join(entry.row for entry in chunk.entries) + b"]"
            _run(database, rows.decode())

    assert not both.differences


@pytest.mark.parametrize("rows", ["[", "{}x", '[{"key": NaN}]', '[{"key": {"a": "\\u0000"}}]'])
def test_both_refuse_malformed_json_and_text(data_api, rows):
    both = Both(data_api)
    database = Database(both, "cluster", "secret", "replica")
    Replica(database, SCHEMA).prepare(0)

    _run(database, rows)

    assert not both.differences


def test_the_comparison_finds_a_difference(data_api):
    both = Both(data_api)
    database = Database(both, "cluster", "secret", "replica")
    Replica(database, SCHEMA).prepare(0)
    table = StreamedTable()
    older, newer = table.put("a", n={"N": "1"}), table.put("a", n={"N": "2"})
    both.model._statements[WRITE] = lambda rows: both.model._write(rows, lambda stored, new: True)

    for record in (newer, older):
        _run(database, f"[{reduced([record]).entries[0].row.decode()}]")

    (count, rows) = both.differences
    assert (count[0]["numberOfRecordsUpdated"], count[1]["numberOfRecordsUpdated"]) == (1, 0)
    assert [json.loads(each.item)["n"] for side in rows for each in side.values()] == ["1", "2"]


def test_the_model_refuses_an_unknown_statement():
    with pytest.raises(KeyError):
        ModelDatabase().execute_statement(sql=VERSION + " ", parameters=[])


def _run(database, rows):
    """Write rows; whether they are accepted does not matter, only that both sides do the same."""
    with suppress(DatabaseRefused):
        database.run(WRITE, rows=rows)
