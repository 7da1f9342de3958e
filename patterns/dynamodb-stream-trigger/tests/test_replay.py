"""The command for the person on call: which failures it replays, with which function, and what it leaves."""

import copy
import json
from types import SimpleNamespace

import pytest
from clients_in_memory import Functions
from replay import failures
from streamed import StreamedTable

from blueprints_shared.replay import replay

NAME = "arn:aws:lambda:eu-west-1:123456789012:function:"
ANNOUNCE, REPLICATE = f"{NAME}changes-Announce-1ABC", f"{NAME}changes-Replicate-2DEF"
OUTPUTS = {
    "FailuresBucket": "failures",
    "AnnounceFunction": f"{ANNOUNCE}:live",
    "ReplicateFunction": f"{REPLICATE}:live",
}
BATCHES = "aws/lambda/11111111-2222-3333-4444-555555555555/shardId-1/2026/11/12/"


class Function:
    """Keeps what it is given; `answers` are given first, or raised."""

    def __init__(self, *answers):
        self.answers, self.batches = list(answers), []

    def __call__(self, event):
        self.batches.append(event["Records"])
        answer = self.answers.pop(0) if self.answers else {"batchItemFailures": []}
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def functions():
    return {f"{ANNOUNCE}:live": Function(), f"{REPLICATE}:live": Function()}


def replayed(s3, functions, outputs=OUTPUTS, *, rejected=False, prefix="", dry_run=False):
    """What came of a replay, and the lines that it showed."""
    said = []
    stack = SimpleNamespace(outputs=outputs, client={"s3": s3, "lambda": Functions(functions)}.__getitem__)
    found = failures(stack, SimpleNamespace(rejected=rejected, prefix=prefix))
    outcome = replay(found, said.append, dry_run=dry_run)
    return SimpleNamespace(**vars(outcome), said="\n".join(said))


def keep(s3, sample, records, function=ANNOUNCE, time="T00.38.06", name="id"):
    batch = copy.deepcopy(sample("failed-batch"))
    batch["requestContext"]["functionArn"] = f"{function}:live"
    batch["DDBStreamBatchInfo"]["startSequenceNumber"] = records[0]["dynamodb"]["SequenceNumber"]
    batch["payload"] = json.dumps({"Records": records})
    key = f"{BATCHES}2026-11-12{time}-{name}"
    s3.objects[key] = json.dumps(batch).encode()
    return key


def test_batches_go_to_their_function_oldest_first_and_leave(s3, sample, functions):
    table = StreamedTable()
    first, second, third = ([table.put(str(number))] for number in range(3))
    keep(s3, sample, second, time="T00.39.00")
    keep(s3, sample, first, time="T00.38.00")
    keep(s3, sample, third, REPLICATE, time="T00.40.00")

    done = replayed(s3, functions)

    assert (done.replayed, done.left, done.held, s3.objects) == (3, 0, 3, {})
    assert functions[f"{ANNOUNCE}:live"].batches == [first, second]
    assert functions[f"{REPLICATE}:live"].batches == [third]
    assert done.said.splitlines()[0] == (
        f"1 of 3: {BATCHES}2026-11-12T00.38.00-id: 1 record from {first[0]['dynamodb']['SequenceNumber']} "
        "of 2026-11-12T00:38:05Z for changes-Announce-1ABC (RetryAttemptsExhausted)"
    )
    assert replayed(s3, functions).replayed == 0


def test_what_fails_again_stays(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")])
    functions[f"{ANNOUNCE}:live"].answers = [RuntimeError("not yet")]

    done = replayed(s3, functions)

    assert (done.replayed, done.left, len(s3.objects)) == (0, 1, 1)
    assert "RuntimeError: not yet" in done.said


def test_a_batch_of_a_function_that_is_gone_stays(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")], f"{NAME}another")

    assert "no function of the stack" in replayed(s3, functions).said
    assert len(s3.objects) == 1


def test_a_stack_without_a_replica_leaves_what_is_for_one(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")], REPLICATE)
    outputs = {name: value for name, value in OUTPUTS.items() if name != "ReplicateFunction"}

    assert replayed(s3, functions, outputs).left == 1
    assert len(s3.objects) == 1


NOT_OURS = [b"no JSON", b"\xff", b"[]", b"{}", b'{"payload": "[]"}', b'{"payload": 5}', b"[" * 100_000]


@pytest.mark.parametrize("body", NOT_OURS)
@pytest.mark.parametrize("key", ["notes", "aws/lambda/x", "rejected/announce/x", "rejected/someone/x"])
def test_what_nobody_of_the_stack_wrote_is_left(s3, functions, key, body):
    s3.objects[key] = body

    done = replayed(s3, functions, rejected=key.startswith("rejected/"))

    assert (done.replayed, done.left, s3.objects) == (0, 1, {key: body})
    assert done.said.startswith(f"1 of 1: {key}\n  left: ")


def test_a_dry_run_changes_nothing(s3, sample, functions):
    table = StreamedTable()
    keep(s3, sample, [table.put("a"), table.put("b")])
    before = dict(s3.objects)

    done = replayed(s3, functions, dry_run=True)

    assert s3.objects == before
    assert functions[f"{ANNOUNCE}:live"].batches == []
    assert "2 records from " in done.said
    assert done.said.endswith("1 would be replayed (2 records), 0 left")


def test_a_prefix_chooses(s3, sample, functions):
    table = StreamedTable()
    wanted = keep(s3, sample, [table.put("a")])
    other = keep(s3, sample, [table.put("b")], time="T01.00.00")

    assert replayed(s3, functions, prefix=wanted[:-8]).replayed == 1
    assert list(s3.objects) == [other]


def test_rejected_changes_are_replayed_only_when_asked_for(s3, sample, functions):
    from rejected_records import RejectedRecords, Rejection

    table = StreamedTable()
    odd, other = table.put("a", note={"S": "\0"}), table.put("b")
    RejectedRecords(lambda: s3, "failures", "replicate").put(odd, Rejection("unrepresentable-item", "why"))
    RejectedRecords(lambda: s3, "failures", "announce").put(other, Rejection("refused-by-receiver", "why"))

    assert replayed(s3, functions).replayed == 0
    assert replayed(s3, functions, rejected=True).replayed == 2

    assert functions[f"{REPLICATE}:live"].batches == [[odd]]
    assert functions[f"{ANNOUNCE}:live"].batches == [[other]]
    assert s3.objects == {}


def test_rejected_changes_go_in_the_order_they_came(s3, functions):
    from rejected_records import RejectedRecords, Rejection

    table, aside = StreamedTable(start=98), RejectedRecords(lambda: s3, "failures", "announce")
    records = [{**table.put("a", n={"N": str(number)}), "eventID": f"{7 - number}"} for number in range(5)]
    for record in reversed(records):
        aside.put(record, Rejection("refused-by-receiver", "why"))

    assert replayed(s3, functions, rejected=True).replayed == 5
    assert functions[f"{ANNOUNCE}:live"].batches == [[record] for record in records]


def test_a_change_that_is_at_fault_again_stays(s3, sample, load, data_api, schema, context):
    """The handler sets it aside anew while it is replayed; then it must not be removed."""
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    module.handler({"Records": [StreamedTable().put("a", note={"S": "\0"})]}, context)
    before = list(s3.objects)

    done = replayed(s3, {f"{REPLICATE}:live": lambda event: module.handler(event, context)}, rejected=True)

    assert list(s3.objects) == before
    assert (done.replayed, done.left) == (0, 1)
    assert "it was written again meanwhile" in done.said


def test_replaying_twice_changes_nothing(s3, sample, load, data_api, schema, context):
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    table = StreamedTable()
    old, new = table.put("a", n={"N": "1"}), table.put("a", n={"N": "2"})
    module.handler({"Records": [new]}, context)
    look = f"SELECT item::text, sequence_number::text, written_at::text FROM {schema}.items"
    before = data_api.execute_statement(look, [])["records"]

    for _ in range(2):
        keep(s3, sample, [old, new], REPLICATE)
        assert replayed(s3, {f"{REPLICATE}:live": lambda event: module.handler(event, context)}).replayed == 1

    assert data_api.execute_statement(look, [])["records"] == before
