"""Properties of the replica on a real PostgreSQL: any delivery of changes ends at the newest change of each key."""

import json

from botocore.exceptions import ClientError
from data_api_on_postgres import Killed, api_error
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replica import Replica, chunked, reduced
from replica_rows import shown, stored
from sql_database import Database, DatabaseRefused
from streamed import StreamedTable

SLOW = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(
    st.lists(st.text(st.sampled_from('a"\\\né😀\x01'), max_size=300), min_size=1, max_size=12), st.integers(500, 4000)
)
@settings(deadline=None, derandomize=True)
def test_a_chunk_is_not_longer_in_the_request_than_allowed(texts, limit):
    table = StreamedTable()
    entries = reduced([table.put(str(number), text={"S": text}) for number, text in enumerate(texts)]).entries

    chunks = list(chunked(entries, limit))

    assert [entry for chunk in chunks for entry in chunk.entries] == entries
    for chunk in chunks:
        rows = "[" + ",".join(entry.row.decode() for entry in chunk.entries) + "]"
        assert len(json.dumps(rows)) - 4 <= limit or len(chunk.entries) == 1


NAMES = ["a", "b", "c", "d"]
changes = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["put", "put", "put", "delete", "expire", "poison"])),
    min_size=1,
    max_size=14,
)


def history(steps):
    """The records of some changes, and the rows that the replica must end with."""
    table, records, end = StreamedTable(), [], {}
    for number, (name, what) in enumerate(steps):
        if what == "put":
            records.append(table.put(name, n={"N": str(number)}))
            end[name] = shown(name, n=number)
        elif what == "poison":
            records.append(table.put(name, n={"S": "\0"}))
            end[name] = ("rejected", None)
        else:
            records.append(getattr(table, what)(name))
            end[name] = ("deleted" if what == "delete" else "expired", None)
    return records, end


@st.composite
def deliveries(draw):
    """Batches in which every record comes at least once, in any order; and faults meanwhile."""
    records, end = history(draw(changes))
    order = draw(st.permutations(range(len(records))))
    again = draw(st.lists(st.integers(0, len(records) - 1), max_size=8))
    numbers = [*again[:4], *order, *again[4:]]
    batches = []
    while numbers:
        size = draw(st.integers(1, 6))
        batches.append([records[number] for number in numbers[:size]])
        numbers = numbers[size:]
    faults = draw(st.lists(st.sampled_from([None, None, "lost", "killed", "refused"]), max_size=10))
    return batches, end, faults


@given(deliveries())
@SLOW
def test_any_delivery_converges(data_api, schema, story):
    """Out of order, repeated, in chunks, killed between chunks, with lost responses: the rows are the same."""
    batches, end, faults = story
    data_api.execute_statement(f"DROP SCHEMA IF EXISTS {schema} CASCADE", [])
    replica = Replica(Database(data_api, "cluster", "secret", "replica"), schema)
    replica.prepare(0)
    made = {"killed": Killed(), "refused": api_error("ServiceUnavailableError"), "lost": "lost", None: None}
    data_api.faults = [made[fault] for fault in faults]

    for batch in batches:
        for _ in range(len(faults) + 1):  # Lambda retries until the batch is handled
            try:
                for chunk in chunked(reduced(batch).entries, 400):
                    replica.write(chunk.entries, lambda *_: None)
                break
            except (Killed, ClientError, DatabaseRefused):
                continue
    data_api.faults = []

    assert stored(data_api, schema) == end
