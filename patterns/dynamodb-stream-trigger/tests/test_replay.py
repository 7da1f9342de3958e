"""The command for the person on call: what it hands in, in which order, what it leaves, what it says."""

import copy
import json
import sys
from types import SimpleNamespace

import pytest
from botocore.exceptions import ReadTimeoutError
from clients_in_memory import Functions
from replay import Replay, main
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


def replayed(s3, functions, outputs=OUTPUTS, **options):
    """How many were settled and were left, and all that was said."""
    said = []
    replay = Replay(s3, Functions(functions), outputs, said.append)
    left = replay.run(**options)
    assert replay.outcomes["left"] == left
    return SimpleNamespace(settled=replay.outcomes["settled"], left=left, said="\n".join(said), replay=replay)


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

    assert (done.settled, done.left, s3.objects) == (3, 0, {})
    assert functions[f"{ANNOUNCE}:live"].batches == [first, second]
    assert functions[f"{REPLICATE}:live"].batches == [third]
    assert done.said.splitlines()[:2] == [
        f"{BATCHES}2026-11-12T00.38.00-id: 1 change for changes-Announce-1ABC (RetryAttemptsExhausted)",
        "  settled",
    ]
    assert done.replay.summary() == "3 (3 changes) settled, 0 left"
    assert replayed(s3, functions).settled == 0


def test_batches_of_one_second_go_in_the_order_of_their_changes(s3, sample, functions):
    table = StreamedTable(start=99_999)
    batches = [[table.put("a", n={"N": str(number)})] for number in range(4)]
    for batch, name in zip(batches, "cadb", strict=True):
        keep(s3, sample, batch, name=name)

    replayed(s3, functions)

    assert functions[f"{ANNOUNCE}:live"].batches == batches


def test_what_fails_again_stays(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")])
    functions[f"{ANNOUNCE}:live"].answers = [RuntimeError("not yet")]

    done = replayed(s3, functions)

    assert (done.settled, done.left, len(s3.objects)) == (0, 1, 1)
    assert "RuntimeError: not yet" in done.said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ReadTimeoutError(endpoint_url="https://lambda"), "ReadTimeoutError: "),
        (None, "it answered null"),
        ({"announced": 1}, 'it answered {"announced": 1}'),
    ],
)
def test_a_function_that_gives_no_answer_has_settled_nothing(s3, sample, functions, answer, said):
    keep(s3, sample, [StreamedTable().put("a")])
    other = [StreamedTable().put("b")]
    keep(s3, sample, other, REPLICATE, time="T00.39.00")
    functions[f"{ANNOUNCE}:live"].answers = [answer]

    done = replayed(s3, functions)

    assert (done.settled, done.left, len(s3.objects)) == (1, 1, 1)
    assert said in done.said
    assert functions[f"{REPLICATE}:live"].batches == [other]


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

    assert "it stopped at" in replayed(s3, functions).said
    assert len(functions[f"{ANNOUNCE}:live"].batches) == 1


def test_a_batch_of_a_function_that_is_gone_stays(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")], f"{NAME}another")

    assert "no function of the stack" in replayed(s3, functions).said
    assert len(s3.objects) == 1


def test_a_stack_without_a_replica_leaves_what_is_for_one(s3, sample, functions):
    keep(s3, sample, [StreamedTable().put("a")], REPLICATE)
    outputs = {name: value for name, value in OUTPUTS.items() if name != "ReplicateFunction"}

    assert replayed(s3, functions, outputs).left == 1
    assert len(s3.objects) == 1


def test_a_batch_without_changes_is_not_settled_by_doing_nothing(s3, sample, functions):
    key = keep(s3, sample, [StreamedTable().put("a")])
    s3.objects[key] = json.dumps({**json.loads(s3.objects[key]), "payload": '{"Records": []}'}).encode()

    assert replayed(s3, functions).left == 1
    assert list(s3.objects) == [key]


NOT_OURS = [b"no JSON", b"\xff", b"[]", b"{}", b'{"payload": "[]"}', b'{"payload": 5}', b"[" * 100_000]


@pytest.mark.parametrize("body", NOT_OURS)
@pytest.mark.parametrize("key", ["notes", "aws/lambda/x", "rejected/announce/x", "rejected/someone/x"])
def test_what_nobody_of_the_stack_wrote_is_left(s3, functions, key, body):
    s3.objects[key] = body

    done = replayed(s3, functions, rejected=key.startswith("rejected/"))

    assert (done.settled, done.left, s3.objects) == (0, 1, {key: body})
    assert f"left: {key}: " in done.said


def test_a_batch_longer_here_than_lambda_had_written_it_goes_in_portions(s3, sample, functions):
    table = StreamedTable()
    records = [table.put(str(number), text={"S": "é" * 100_000}) for number in range(25)]
    keep(s3, sample, records)

    assert replayed(s3, functions).settled == 1
    portions = functions[f"{ANNOUNCE}:live"].batches
    assert len(portions) == 3
    assert [record for portion in portions for record in portion] == records


def test_a_dry_run_changes_nothing(s3, sample, functions):
    table = StreamedTable()
    keep(s3, sample, [table.put("a"), table.put("b")])
    before = dict(s3.objects)

    done = replayed(s3, functions, dry_run=True)

    assert s3.objects == before
    assert functions[f"{ANNOUNCE}:live"].batches == []
    assert "2 changes for changes-Announce-1ABC" in done.said
    assert done.replay.summary(dry_run=True) == "1 (2 changes) would be handed in, 0 left"


def test_a_prefix_chooses(s3, sample, functions):
    table = StreamedTable()
    wanted = keep(s3, sample, [table.put("a")])
    other = keep(s3, sample, [table.put("b")], time="T01.00.00")

    assert replayed(s3, functions, prefix=wanted[:-8]).settled == 1
    assert list(s3.objects) == [other]


def test_several_at_once_settle_all_and_none_complains(s3, sample, functions):
    """Another replay settles everything while the first is at its first batch."""
    table = StreamedTable()
    batches = [[table.put(str(number))] for number in range(3)]
    for number, batch in enumerate(batches):
        keep(s3, sample, batch, time=f"T00.38.0{number}")
    announce = functions[f"{ANNOUNCE}:live"]
    others = []

    def meanwhile(event):
        if not others:
            others.append(replayed(s3, {**functions, f"{ANNOUNCE}:live": announce}))
        return announce(event)

    done = replayed(s3, {**functions, f"{ANNOUNCE}:live": meanwhile})

    assert (done.left, others[0].left, s3.objects) == (0, 0, {})
    assert announce.batches == [*batches, batches[0]]


def test_interrupted_in_the_middle_it_goes_on_where_it_was(s3, sample, functions):
    table = StreamedTable()
    batches = [[table.put(str(number))] for number in range(3)]
    for number, batch in enumerate(batches):
        keep(s3, sample, batch, time=f"T00.38.0{number}")
    announce = functions[f"{ANNOUNCE}:live"]

    def interrupted(event):
        answer = announce(event)
        if len(announce.batches) == 2:
            raise KeyboardInterrupt
        return answer

    with pytest.raises(KeyboardInterrupt):
        replayed(s3, {f"{ANNOUNCE}:live": interrupted})
    assert len(s3.objects) == 2

    assert replayed(s3, functions).settled == 2
    assert announce.batches == [batches[0], batches[1], batches[1], batches[2]]


class Account:
    """boto3 as far as the command uses it."""

    def __init__(self, s3, functions, outputs):
        self.clients = {"s3": s3, "lambda": Functions(functions), "cloudformation": self}
        self.outputs = outputs

    def client(self, service, **_):
        return self.clients[service]

    def describe_stacks(self, StackName):
        listed = [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]
        return {"Stacks": [{"Outputs": listed}]}


@pytest.fixture
def command(monkeypatch, s3, functions):
    def run(*arguments, outputs=OUTPUTS):
        monkeypatch.setitem(sys.modules, "boto3", Account(s3, functions, outputs))
        monkeypatch.setattr(sys, "argv", ["replay.py", *arguments])
        return main()

    return run


def test_the_command_says_what_is_left_and_ends_with_one(command, s3, sample, functions, capsys):
    keep(s3, sample, [StreamedTable().put("a")])
    functions[f"{ANNOUNCE}:live"].answers = [RuntimeError("not yet")]

    assert command("changes") == 1
    assert "left: " in capsys.readouterr().out
    assert command("changes", "--dry-run") == 0
    assert command("changes") == 0
    assert capsys.readouterr().out.endswith("settled\n1 (1 change) settled, 0 left\n")
    assert command("changes", "--rejected") == 0


def test_the_command_interrupted_says_how_far_it_came(command, s3, sample, functions, capsys):
    keep(s3, sample, [StreamedTable().put("a")])

    def interrupted(*_):
        raise KeyboardInterrupt

    functions[f"{ANNOUNCE}:live"] = interrupted

    assert command("changes") == 130
    said = capsys.readouterr()
    assert "0 (0 changes) settled, 0 left" in said.out
    assert "start again to go on" in said.err
    assert len(s3.objects) == 1


def test_a_stack_of_another_kind_is_named(command):
    with pytest.raises(SystemExit, match="changes has no output FailuresBucket"):
        command("changes", outputs={"Url": "x"})


def test_the_command_explains_itself(command, capsys):
    for arguments, status in ((["--help"], 0), ([], 2), (["a", "b"], 2)):
        with pytest.raises(SystemExit) as ended:
            command(*arguments)
        assert ended.value.code == status
    assert "--dry-run" in capsys.readouterr().out


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


def test_rejected_changes_go_in_the_order_they_came(s3, functions):
    from set_aside import Rejection, SetAside

    table, aside = StreamedTable(start=98), SetAside(lambda: s3, "failures", "announce")
    records = [{**table.put("a", n={"N": str(number)}), "eventID": f"{7 - number}"} for number in range(5)]
    for record in reversed(records):
        aside.put(record, Rejection("refused-by-receiver", "why"))

    assert replayed(s3, functions, rejected=True).settled == 5
    assert functions[f"{ANNOUNCE}:live"].batches == [[record] for record in records]


def test_a_change_that_is_at_fault_again_stays(s3, sample, load, data_api, schema, context):
    """The handler sets it aside anew while it is replayed; then it must not be removed."""
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    module.handler({"Records": [StreamedTable().put("a", note={"S": "\0"})]}, context)
    before = list(s3.objects)

    done = replayed(s3, {f"{REPLICATE}:live": lambda event: module.handler(event, context)}, rejected=True)

    assert list(s3.objects) == before
    assert (done.settled, done.left) == (0, 1)
    assert "it was set aside again" in done.said


def test_replaying_twice_changes_nothing(s3, sample, load, data_api, schema, context):
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    table = StreamedTable()
    old, new = table.put("a", n={"N": "1"}), table.put("a", n={"N": "2"})
    module.handler({"Records": [new]}, context)
    look = f"SELECT item::text, sequence_number::text, written_at::text FROM {schema}.items"
    before = data_api.execute_statement(look, [])["records"]

    for _ in range(2):
        keep(s3, sample, [old, new], REPLICATE)
        assert replayed(s3, {f"{REPLICATE}:live": lambda event: module.handler(event, context)}).settled == 1

    assert data_api.execute_statement(look, [])["records"] == before
