"""The handler, from an event to the objects in the bucket, on an S3 mocked by moto."""

import base64
import gzip
import json

import pytest
from kpl_records import aggregated

KEY = "dt=2026-11-12/hour=10/shardId-000000000006-"
FIRST = 49590338271490256608559692538361571095921575989136588898


def record(number, data, key="c-1"):
    return {
        "kinesis": {
            "partitionKey": key,
            "sequenceNumber": str(FIRST + number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 1794478272.987 + number,
        },
        "eventID": f"shardId-000000000006:{FIRST + number}",
        "eventSource": "aws:kinesis",
    }


def batch(*datas):
    return {"Records": [record(number, data) for number, data in enumerate(datas)]}


def objects(s3):
    """The keys of all objects but the copies below replaced/."""
    return {key for key in all_objects(s3) if not key.startswith("replaced/")}


def all_objects(s3):
    return {item["Key"] for item in s3.list_objects_v2(Bucket="lake").get("Contents", ())}


def lines(s3, prefix):
    """The lines of the only object below a prefix."""
    (key,) = [key for key in all_objects(s3) if key.startswith(f"{prefix}/")]
    content = s3.get_object(Bucket="lake", Key=key)["Body"].read()
    return gzip.decompress(content).splitlines()


def read(s3, prefix):
    return [json.loads(line) for line in lines(s3, prefix)]


def test_the_sample_event_becomes_two_objects(store_batch, s3, sample, context):
    assert store_batch.handler(sample("batch"), context) == {"batchItemFailures": []}
    name = f"{KEY}{FIRST:064}.ndjson.gz"
    assert objects(s3) == {f"data/{name}", f"errors/{name}"}
    assert read(s3, "data") == [
        {
            "shard_id": "shardId-000000000006",
            "sequence_number": str(FIRST),
            "sub_sequence_number": 0,
            "partition_key": "c-00042",
            "arrived_at": 1794478272.987,
            "record": {"event_id": "e-1", "type": "order_placed", "total": 12.5},
        }
    ]
    (poison,) = read(s3, "errors")
    assert (poison["code"], base64.b64decode(poison["data"])) == ("not-json", b"no JSON")
    assert "byte 4" in poison["reason"]


def test_the_bytes_of_a_record_are_kept_on_one_line(store_batch, s3, context):
    datas = [
        b'{"price": 1.10, "big": 123456789012345678901234567890, "a": 1, "a": 2}',
        b'{\r\n  "spread": "over lines"\n}',
        '{"grüße": "ギフト\\u0000", "pair": "\\ud83d\\ude00"}'.encode(),
        b"{}",
    ]
    store_batch.handler(batch(*datas), context)
    stored = lines(s3, "data")
    assert len(stored) == len(datas)
    for line, data in zip(stored, datas, strict=True):
        assert line.endswith(b'"record":' + data.replace(b"\n", b" ").replace(b"\r", b" ") + b"}")


def test_user_records_of_an_aggregated_record_have_sub_sequence_numbers(store_batch, s3, context):
    data = aggregated([("ключ", b'{"n": 1}'), ("b", b"poison"), ('quote"', b'{"n": 3}')])
    store_batch.handler(batch(b'{"n": 0}', data), context)
    found = [(line["sub_sequence_number"], line["partition_key"], line["record"]["n"]) for line in read(s3, "data")]
    assert found == [(0, "c-1", 0), (0, "ключ", 1), (2, 'quote"', 3)]
    assert [(line["sub_sequence_number"], line["partition_key"]) for line in read(s3, "errors")] == [(1, "b")]


def test_a_malformed_aggregate_becomes_one_error_line(store_batch, s3, context):
    import hashlib

    data = b"\xf3\x89\x9a\xc2" + b"\x1a\x7f" + hashlib.md5(b"\x1a\x7f").digest()
    store_batch.handler(batch(data), context)
    (poison,) = read(s3, "errors")
    assert (poison["code"], base64.b64decode(poison["data"])) == ("malformed-aggregate", data)
    assert len(objects(s3)) == 1


def test_a_second_attempt_deletes_what_only_the_first_wrote(store_batch, s3, context):
    store_batch.handler(batch(b'{"n": 1}', b"poison"), context)
    store_batch.handler(batch(b'{"n": 1}'), context)
    assert [line["record"]["n"] for line in read(s3, "data")] == [1]
    assert len(objects(s3)) == 1
    store_batch.handler(batch(b"poison"), context)
    assert {key.split("/")[0] for key in objects(s3)} == {"errors"}


def test_replaced_and_deleted_objects_are_copied_first(store_batch, s3, context):
    whole = batch(b'{"n": 0}', b'{"n": 1}', b"poison", b'{"n": 3}')
    for count in (4, 2, 3):
        store_batch.handler({"Records": whole["Records"][:count]}, context)
    assert [line["record"]["n"] for line in read(s3, "data")] == [0, 1]
    assert len(read(s3, "errors")) == 1
    kept = [(key.split("/")[1], *numbers_in(s3, key)) for key in sorted(all_objects(s3) - objects(s3))]
    assert sorted(kept) == [("data", 0, 1), ("data", 0, 1, 3), ("errors", 2)]


def test_copies_are_logged_and_counted(store_batch, s3, context, capsys, caplog):
    whole = batch(b'{"n": 0}', b"poison")
    store_batch.handler(whole, context)
    assert caplog.records[-1].replaced == []
    assert '"ObjectsReplaced":[0.0]' in capsys.readouterr().out.replace(" ", "")

    store_batch.handler({"Records": whole["Records"][:1]}, context)
    assert set(caplog.records[-1].replaced) == all_objects(s3) - objects(s3)
    assert '"ObjectsReplaced":[2.0]' in capsys.readouterr().out.replace(" ", "")


def numbers_in(s3, key):
    content = gzip.decompress(s3.get_object(Bucket="lake", Key=key)["Body"].read())
    return [int(json.loads(line)["sequence_number"]) - FIRST for line in content.splitlines()]


def test_an_attempt_does_not_replace_what_another_wrote_meanwhile(store_batch, s3, context, monkeypatch):
    def transform(record):
        if not objects(s3):
            monkeypatch.setattr(store_batch, "transform", lambda record: record)
            store_batch.handler(batch(b'{"n": 0}', b'{"n": 1}'), context)
        return record

    monkeypatch.setattr(store_batch, "transform", transform)
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        store_batch.handler(batch(b'{"n": 0}'), context)
    assert [line["record"]["n"] for line in read(s3, "data")] == [0, 1]


def test_a_record_whose_transform_fails_ends_the_batch_before_it(store_batch, s3, context, monkeypatch, caplog):
    monkeypatch.setattr(store_batch, "transform", failing_on(2))
    event = batch(b'{"n": 0}', b"poison", b'{"n": 2}', b'{"n": 3}')
    answer = store_batch.handler(event, context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": str(FIRST + 2)}]}
    assert [line["record"]["n"] for line in read(s3, "data")] == [0]
    assert len(read(s3, "errors")) == 1
    assert isinstance(caplog.records[-1].exc_info[1], KeyError)
    with pytest.raises(KeyError):
        store_batch.handler({"Records": event["Records"][2:]}, context)


def test_a_failure_in_an_aggregated_record_leaves_out_the_whole_record(store_batch, s3, context, monkeypatch):
    monkeypatch.setattr(store_batch, "transform", failing_on(2))
    store_batch.handler(batch(b'{"n": 0}', aggregated([("a", b'{"n": 1}'), ("a", b'{"n": 2}')])), context)
    assert [line["record"]["n"] for line in read(s3, "data")] == [0]


def test_the_batch_ends_when_time_runs_short(store_batch, s3, context):
    context.get_remaining_time_in_millis = lambda: 4_000
    answer = store_batch.handler(batch(b'{"n": 0}', b'{"n": 1}'), context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": str(FIRST + 1)}]}
    assert [line["record"]["n"] for line in read(s3, "data")] == [0]


def test_what_transform_returns_is_stored(store_batch, s3, context, monkeypatch):
    def transform(record):
        if b"secret" in record.data:
            return None
        record.data = b'{"changed": true}'
        return record

    monkeypatch.setattr(store_batch, "transform", transform)
    store_batch.handler(batch(b'{"n": 0}', b'{"secret": 1}'), context)
    assert [line["record"] for line in read(s3, "data")] == [{"changed": True}]


def test_a_result_of_transform_that_is_not_json_fails(store_batch, context, monkeypatch):
    def transform(record):
        record.data = b"none"
        return record

    monkeypatch.setattr(store_batch, "transform", transform)
    with pytest.raises(ValueError, match="transform returned data that is not one JSON object"):
        store_batch.handler(batch(b'{"n": 0}'), context)


def test_a_failure_of_s3_is_raised_for_a_retry(store_batch, s3, context):
    s3.delete_bucket(Bucket="lake")
    with pytest.raises(Exception, match=r"404|NoSuchBucket"):
        store_batch.handler(batch(b"{}"), context)


def test_a_large_record_and_a_large_batch(store_batch, s3, context):
    large = json.dumps({"text": "x" * 2**20}).encode()
    store_batch.handler(batch(large, *(b'{"n": %d}' % number for number in range(1, 3000))), context)
    stored = read(s3, "data")
    assert len(stored) == 3000
    assert len(stored[0]["record"]["text"]) == 2**20
    assert [line["record"]["n"] for line in stored[1:]] == list(range(1, 3000))


def test_records_are_counted(store_batch, context, capsys, caplog):
    store_batch.handler(batch(b"{}", b"poison", b"{}"), context)
    out = capsys.readouterr().out.replace(" ", "")
    assert '"RecordsStored":[2.0]' in out
    assert '"RecordsPoison":[1.0]' in out
    assert caplog.records[-1].poison == {"not-json": 1}


def test_a_probe_is_stored_apart_and_not_counted(store_batch, s3, context, capsys):
    store_batch.handler({**batch(b"{}"), "probe": "before-1"}, context)
    assert objects(s3) == {f"_probe/before-1/data/{KEY}{FIRST:064}.ndjson.gz"}
    assert "RecordsStored" not in capsys.readouterr().out
    with pytest.raises(ValueError, match="probe"):
        store_batch.handler({**batch(b"{}"), "probe": "../data"}, context)


def test_a_schema_is_enforced(load, s3, context, monkeypatch):
    monkeypatch.setenv(
        "EVENT_SCHEMA", '{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'
    )
    load("StoreBatch").handler(batch(b'{"n": 1}', b'{"n": "1"}', b"{}"), context)
    assert [line["code"] for line in read(s3, "errors")] == ["schema", "schema"]
    assert "$.n" in read(s3, "errors")[0]["reason"]


def test_a_schema_that_cannot_be_enforced_fails_at_start(load, monkeypatch):
    monkeypatch.setenv("EVENT_SCHEMA", '{"type": "object", "minProperties": 1}')
    with pytest.raises(Exception, match="EVENT_SCHEMA: #: minProperties cannot be enforced"):
        load("StoreBatch")


def failing_on(number):
    def transform(record):
        if json.loads(record.data)["n"] == number:
            raise KeyError("customer")
        return record

    return transform
