"""What waits in the failures bucket is handed in again; what is settled leaves it, and twice changes nothing."""

import copy
import json

import pytest
from clients_in_memory import Functions
from replay import replay
from streamed import StreamedTable

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


def replayed(s3, functions, rejected=False, outputs=OUTPUTS):
    return replay(s3, Functions(functions), outputs, rejected=rejected)


def keep(s3, sample, records, function=ANNOUNCE, time="T00.38.06"):
    batch = copy.deepcopy(sample("failed-batch"))
    batch["requestContext"]["functionArn"] = f"{function}:live"
    batch["payload"] = json.dumps({"Records": records})
    s3.objects[f"{BATCHES}2026-11-12{time}-id"] = json.dumps(batch).encode()


def test_batches_go_to_their_function_oldest_first_and_leave(s3, sample, functions):
    table = StreamedTable()
    first, second, third = ([table.put(str(number))] for number in range(3))
    keep(s3, sample, second, time="T00.39.00")
    keep(s3, sample, first, time="T00.38.00")
    keep(s3, sample, third, REPLICATE, time="T00.40.00")

    done = replayed(s3, functions)

    assert (done.settled, done.failures, s3.objects) == (3, [], {})
    assert functions[f"{ANNOUNCE}:live"].batches == [first, second]
    assert functions[f"{REPLICATE}:live"].batches == [third]
    assert replayed(s3, functions).settled == 0


def test_what_fails_again_stays(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")])
    functions[f"{ANNOUNCE}:live"].answers = [RuntimeError("not yet")]

    done = replayed(s3, functions)

    assert (done.settled, len(s3.objects)) == (0, 1)
    assert "RuntimeError: not yet" in done.failures[0]


def test_a_function_that_stops_early_is_called_again_from_there(s3, sample, functions):
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(5)]
    keep(s3, sample, records)
    stopped = {"batchItemFailures": [{"itemIdentifier": records[3]["dynamodb"]["SequenceNumber"]}]}
    functions[f"{ANNOUNCE}:live"].answers = [stopped]

    assert replayed(s3, functions).settled == 1
    assert functions[f"{ANNOUNCE}:live"].batches == [records, records[3:]]


def test_a_function_that_does_not_get_on_is_not_called_for_ever(s3, sample, functions):
    records = [StreamedTable().put("a")]
    keep(s3, sample, records)
    functions[f"{ANNOUNCE}:live"].answers = [
        {"batchItemFailures": [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]}
    ]

    assert "it stopped at" in replayed(s3, functions).failures[0]
    assert len(functions[f"{ANNOUNCE}:live"].batches) == 1


def test_a_batch_of_a_function_that_is_gone_stays(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")], f"{NAME}another")

    assert "no function of the stack" in replayed(s3, functions).failures[0]
    assert len(s3.objects) == 1


def test_rejected_changes_are_replayed_only_when_asked_for(s3, sample, functions):
    from set_aside import Rejection, SetAside

    table = StreamedTable()
    odd, other = table.put("a", note={"S": "\0"}), table.put("b")
    SetAside(lambda: s3, "failures", "replicate").put(odd, Rejection("unrepresentable-item", "why"))
    SetAside(lambda: s3, "failures", "announce").put(other, Rejection("refused-by-receiver", "why"))

    assert replayed(s3, functions).settled == 0
    assert replayed(s3, functions, rejected=True).settled == 2

    assert functions[f"{REPLICATE}:live"].batches == [[odd]]
    assert functions[f"{ANNOUNCE}:live"].batches == [[other]]
    assert s3.objects == {}


def test_a_change_that_is_at_fault_again_stays(s3, sample, load, data_api, schema, context):
    """The handler sets it aside anew while it is replayed; then it must not be removed."""
    module = load("replicate_changes", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    module.handler({"Records": [StreamedTable().put("a", note={"S": "\0"})]}, context)
    before = list(s3.objects)

    done = replayed(s3, {f"{REPLICATE}:live": lambda event: module.handler(event, context)}, rejected=True)

    assert list(s3.objects) == before
    assert (done.settled, len(done.failures)) == (0, 1)


def test_replaying_twice_changes_nothing(s3, sample, load, data_api, schema, context):
    module = load("replicate_changes", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    table = StreamedTable()
    old, new = table.put("a", n={"N": "1"}), table.put("a", n={"N": "2"})
    module.handler({"Records": [new]}, context)
    look = f"SELECT item::text, sequence_number::text, written_at::text FROM {schema}.items"
    before = data_api.execute_statement(look, [])["records"]

    for _ in range(2):
        keep(s3, sample, [old, new], REPLICATE)
        assert replayed(s3, {f"{REPLICATE}:live": lambda event: module.handler(event, context)}).settled == 1

    assert data_api.execute_statement(look, [])["records"] == before
