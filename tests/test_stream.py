"""kinesis-s3-stream on the embedded AWS: fan-out, invalid records, failed batches and their replay."""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.local.waiting import until

BLUEPRINTS = Path(sys.executable).with_name("blueprints")
PATTERN = find("kinesis-s3-stream")
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
PARAMETERS = {
    "EnhancedFanOut": "true",
    "EventSchema": json.dumps(SCHEMA),
    "RefuseDuplicateNames": "true",
}


@pytest.fixture(scope="module")
def stream():
    """The pattern, deployed with a schema, read through enhanced fan-out and without retries."""
    progress = Progress()
    prepared = prepare(PATTERN, progress, PARAMETERS)
    with Cloud(time_scale=600) as cloud:
        stack = bring_up(cloud, prepared, progress)
        functions = cloud.client("lambda")
        (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=0)
        yield cloud, stack


def put(cloud, stack, *datas):
    """Put records with one partition key, which keeps their order."""
    records = [{"Data": data, "PartitionKey": "key"} for data in datas]
    answer = cloud.client("kinesis").put_records(StreamName=stack.outputs["StreamName"], Records=records)
    assert answer["FailedRecordCount"] == 0
    return [each["SequenceNumber"] for each in answer["Records"]]


def lines(cloud, stack, prefix, numbers):
    """The lines of these records below a prefix of the lake, in the order of the stream."""
    s3, bucket = cloud.client("s3"), stack.outputs["LakeBucket"]
    found = []
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", ()):
        content = gzip.decompress(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
        found += [json.loads(line) for line in content.splitlines()]
    return sorted(
        (line for line in found if line["sequence_number"] in numbers), key=lambda line: int(line["sequence_number"])
    )


def in_lake(cloud, stack, numbers):
    """Wait until all these records are in the lake; return the stored and the invalid ones."""

    def found():
        both = lines(cloud, stack, "data", numbers), lines(cloud, stack, "errors", numbers)
        return both if len(both[0]) + len(both[1]) >= len(numbers) else None

    return until(found, seconds=40)


INVALID = [
    (b'{"n": 1, "note": "Gr\xfc\xdfe"}', "not-utf-8"),
    (b"no JSON", "not-json"),
    (b'{"n": 1', "not-json"),
    (b'{"n": NaN}', "not-json"),
    (b'{"n": "one"}', "schema"),
    (b"[1]", "schema"),
    (b"", "empty"),
    (b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "schema"),
    (b'{"n": 1, "deep": ' + b"[" * 600 + b"]" * 600 + b"}", "too-deep"),
    (b'{"n": 1, "twice": 1, "twice": 2}', "duplicate-name"),
    (b"\xff" * 2**20, "not-utf-8"),
]
UNUSUAL = [
    b'{"n": 1, "zero": "\\u0000"}',
    b'{"n": 2, "large": "' + b"x" * (2**20 - 21) + b'"}',
    b'{"n": 123456789012345678, "price": 1.10}',
    '{"n": 4, "ключ": "値 😀"}'.encode(),
]


def test_invalid_records_go_to_errors_unchanged_and_the_others_are_stored(stream):
    good = [b'{"n": %d}' % number for number in range(len(INVALID))]
    datas = [data for (bad, _), after in zip(INVALID, good, strict=True) for data in (bad, after)]
    numbers = put(*stream, *datas)

    stored, aside = in_lake(*stream, numbers)

    assert [line["record"] for line in stored] == [json.loads(data) for data in good]
    assert [line["sequence_number"] for line in stored] == numbers[1::2]
    assert [(base64.b64decode(line["data"]), line["code"]) for line in aside] == INVALID
    assert [line["sequence_number"] for line in aside] == numbers[::2]
    assert all(line["reason"] for line in aside)


def test_records_without_a_partition_key_are_stored(stream):
    """With service-managed distribution."""
    cloud, stack = stream
    kinesis, name = cloud.client("kinesis"), stack.outputs["StreamName"]
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.update_stream_record_distribution_strategy(StreamARN=arn, RecordDistributionStrategy="AUTO")
    datas = [b'{"n": 1}', b"no JSON", b'{"n": 2}']
    answer = kinesis.put_records(StreamName=name, Records=[{"Data": data} for data in datas])
    kinesis.update_stream_record_distribution_strategy(StreamARN=arn, RecordDistributionStrategy="USER_PARTITION_KEY")

    stored, aside = in_lake(cloud, stack, [each["SequenceNumber"] for each in answer["Records"]])

    assert [line["record"]["n"] for line in stored] == [1, 2]
    assert [base64.b64decode(line["data"]) for line in aside] == [b"no JSON"]
    assert {line["partition_key"] for line in stored + aside} == {None}


def test_unusual_records_are_stored_unchanged(stream):
    assert max(map(len, UNUSUAL)) == 2**20
    numbers = put(*stream, *UNUSUAL)

    stored, aside = in_lake(*stream, numbers)

    assert aside == []
    assert [line["record"] for line in stored] == [json.loads(data) for data in UNUSUAL]


def test_a_redelivered_batch_keeps_a_copy_of_the_replaced_object(stream):
    """Delivered by hand; the function needs its own permission to copy."""
    cloud, stack = stream
    event = json.loads((PATTERN.folder / "events" / "batch.json").read_text())
    first = event["Records"][0]
    for number in range(2, 5):
        kinesis = {**first["kinesis"], "sequenceNumber": str(int(first["kinesis"]["sequenceNumber"]) + number)}
        event["Records"].append({**first, "kinesis": {**kinesis, "data": base64.b64encode(b'{"n": 1}').decode()}})
    numbers = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
    for count in (5, 3):
        answer = cloud.invoke(stack.outputs["Function"], {"Records": event["Records"][:count]})
        assert answer.payload == {"batchItemFailures": []}

    both = [*lines(cloud, stack, "data", numbers), *lines(cloud, stack, "errors", numbers)]
    assert sorted(line["sequence_number"] for line in both) == sorted(numbers[:3])
    copies = [*lines(cloud, stack, "replaced/data", numbers), *lines(cloud, stack, "replaced/errors", numbers)]
    assert sorted(line["sequence_number"] for line in copies) == sorted(numbers)


def test_the_function_reads_through_the_consumer(stream):
    cloud, stack = stream
    (consumer,) = stack.of_type("AWS::Kinesis::StreamConsumer")
    (mapping,) = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["EventSourceArn"] == consumer.physical_id


def test_the_demo_plays_with_own_events_on_a_deployed_stack(stream, tmp_path):
    cloud, stack = stream
    mine = tmp_path / "mine.ndjson"
    mine.write_text('{"n": 1}\n{"n": "two"}\n{"n": 3}\n')
    played = subprocess.run(
        [BLUEPRINTS, "play", PATTERN.name, "--stack", stack.name, "--input", mine, "--json"],
        cwd=tmp_path,
        env={**os.environ, **cloud.environment()},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )

    assert played.returncode == 0, played.stderr
    result = json.loads(played.stdout)["result"]
    counts = {name: result[name] for name in ("put", "stored", "poison", "missing", "duplicates")}
    assert counts == {"put": 3, "stored": 2, "poison": 1, "missing": 0, "duplicates": 0}


def replay(stream, *options):
    """Run the pattern's own command, as a person on call would."""
    cloud, stack = stream
    command = [sys.executable, PATTERN.folder / "replay.py", stack.name, *options]
    environment = {"PATH": os.environ["PATH"], **cloud.environment()}
    return subprocess.run(command, env=environment, capture_output=True, check=False, text=True, timeout=60)


def failed_batches(cloud, stack):
    listed = cloud.client("s3").list_objects_v2(Bucket=stack.outputs["FailedBatchesBucket"])
    return [item["Key"] for item in listed.get("Contents", ())]


def test_batches_given_up_are_replayed_to_the_same_end(stream):
    """S3 refuses every write for a while: batches are halved, given up, kept, and replayed by the person on call."""
    cloud, stack = stream
    s3, bucket = cloud.client("s3"), stack.outputs["LakeBucket"]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    refusing = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    refused = {**policy, "Statement": [*policy["Statement"], refusing]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(refused))
    datas = [b'{"n": 1}', b"poison", b'{"n": 3}', b'{"n": 4}']
    numbers = put(cloud, stack, *datas)

    until(lambda: kept(cloud, stack) == set(numbers), seconds=60)
    assert lines(cloud, stack, "data", numbers) + lines(cloud, stack, "errors", numbers) == []
    waiting = failed_batches(cloud, stack)
    s3.put_object(Bucket=stack.outputs["FailedBatchesBucket"], Key="a note", Body=b"about the outage")

    listed = replay(stream, "--dry-run")
    assert (listed.returncode, failed_batches(cloud, stack)) == (1, sorted(["a note", *waiting]))
    assert f"{len(waiting)} would be replayed (4 records), 1 left" in listed.stdout
    too_early = replay(stream, "--prefix", "aws/")
    assert (too_early.returncode, failed_batches(cloud, stack)) == (1, sorted(["a note", *waiting]))
    assert "the function failed with" in too_early.stdout
    assert "(AccessDenied) when calling the PutObject operation" in too_early.stdout

    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    mended = replay(stream)
    assert mended.returncode == 1, mended.stderr
    assert re.search(r"\d: a note\n  left: it holds no records", mended.stdout)
    assert failed_batches(cloud, stack) == ["a note"]
    s3.delete_object(Bucket=stack.outputs["FailedBatchesBucket"], Key="a note")
    again = replay(stream)
    assert (again.returncode, again.stdout) == (0, "0 replayed (0 records), 0 left\n")

    assert [line["record"]["n"] for line in lines(cloud, stack, "data", numbers)] == [1, 3, 4]
    assert [line["sequence_number"] for line in lines(cloud, stack, "errors", numbers)] == [numbers[1]]


def kept(cloud, stack):
    """The sequence numbers of all records in the failed batches."""
    s3, bucket = cloud.client("s3"), stack.outputs["FailedBatchesBucket"]
    found = set()
    for key in failed_batches(cloud, stack):
        payload = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())["payload"]
        found |= {record["kinesis"]["sequenceNumber"] for record in json.loads(payload)["Records"]}
    return found


def test_the_replay_command_says_what_it_needs(stream):
    assert "130 when interrupted" in " ".join(replay(stream, "--help").stdout.split())
    cloud, _ = stream
    nowhere = subprocess.run(
        [sys.executable, PATTERN.folder / "replay.py", "no-such-stack"],
        env={"PATH": os.environ["PATH"], **cloud.environment()},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert nowhere.returncode == 2
    assert "replay.py: no-such-stack cannot be looked up" in nowhere.stderr
    assert "Traceback" not in nowhere.stderr


def test_how_the_stream_is_read_changes_without_lost_or_duplicate_records(stream):
    """As exactly-once.md says: drained, at a noted time, with a new mapping; then again from an earlier time."""
    cloud, stack = stream
    numbers = put(cloud, stack, b'{"n": 1}', b"poison")
    in_lake(cloud, stack, numbers)
    time.sleep(0.01)
    noted = time.time()

    changed(cloud, EnhancedFanOut="false", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=f"{noted:.3f}")
    numbers += put(cloud, stack, b'{"n": 3}')
    stored, aside = in_lake(cloud, stack, numbers)

    (mapping,) = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert "/consumer/" not in mapping["EventSourceArn"]
    assert [line["sequence_number"] for line in [*stored, *aside]] == [numbers[0], numbers[2], numbers[1]]

    with pytest.raises(BlueprintError, match="already exists"):
        changed(cloud, EnhancedFanOut="false", StartingPosition="TRIM_HORIZON")
    s3, bucket = cloud.client("s3"), stack.outputs["LakeBucket"]
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    changed(cloud, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp="1")
    assert {line["sequence_number"] for line in [*in_lake(cloud, stack, numbers)[0]]} == {numbers[0], numbers[2]}


def changed(cloud, **parameters):
    """Update the stack."""
    progress = Progress()
    bring_up(cloud, prepare(PATTERN, progress, {**PARAMETERS, **parameters}), progress)


def run(tmp_path, content, *options):
    """Run the demo with a file of events."""
    mine = tmp_path / "mine.ndjson"
    mine.write_bytes(content)
    return subprocess.run(
        [BLUEPRINTS, "run", PATTERN.name, "--input", mine, "--output", tmp_path / "out", "--json", *options],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )


def test_the_demo_runs_with_fan_out_and_a_file_of_events(tmp_path):
    events = [{"n": number, "text": "ж" * 20_000} for number in range(450)]
    content = "".join(json.dumps(event, ensure_ascii=False) + "\r\n" for event in events).encode("utf-8-sig")

    played = run(tmp_path, content, "--parameter", "EnhancedFanOut=true")

    assert played.returncode == 0, played.stderr
    result = json.loads(played.stdout)["result"]
    counts = {name: result[name] for name in ("put", "stored", "poison", "duplicates", "missing")}
    assert counts == {"put": 450, "stored": 450, "poison": 0, "duplicates": 0, "missing": 0}
    assert result["objects"] == len(result["files"]) - 1
    put_in = [json.loads(line) for line in (tmp_path / "out" / "events.ndjson").read_bytes().splitlines()]
    assert [{name: event[name] for name in ("n", "text")} for event in put_in] == events
    found = [
        json.loads(line)["record"]
        for path in map(Path, result["files"])
        if path.name != "events.ndjson"
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    assert sorted(found, key=lambda event: event["n"]) == put_in


def test_the_demo_names_the_line_that_it_cannot_put(tmp_path):
    played = run(tmp_path, b'{"n": 1}\nno JSON\n')

    assert played.returncode == 1
    assert "mine.ndjson, line 2 is not JSON in UTF-8" in json.loads(played.stdout)["error"]
    assert "The demo failed: mine.ndjson, line 2 is not JSON in UTF-8" in played.stderr
    assert not (tmp_path / "out").exists()
