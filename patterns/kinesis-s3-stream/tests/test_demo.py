"""The demo with a file of events: it puts them unchanged, or says which line it cannot put and why."""

import json

import demo
import pytest


@pytest.fixture
def read(tmp_path):
    """Return a function that reads records from a file with the given content."""

    def records(content):
        path = tmp_path / "mine.ndjson"
        path.write_bytes(content)
        return demo.read_records(path, "story")

    return records


@pytest.mark.parametrize(
    ("content", "events"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'{"a": 1}\r\n{"a": 2}\r\n', [{"a": 1}, {"a": 2}]),
        (b'\xef\xbb\xbf{"a": 1}\n', [{"a": 1}]),
        (
            '{"a": "one\u2028line\x85 and \x0b"}'.replace("\x0b", "\\u000b").encode(),
            [{"a": "one\u2028line\x85 and \x0b"}],
        ),
        (b'{"a": 1}\n' * 801, [{"a": 1}] * 801),
    ],
)
def test_every_line_is_an_event(read, content, events):
    records = [json.loads(record) for record in read(content)]
    assert len({record.pop("event_id") for record in records}) == len(events)
    assert records == events


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "mine.ndjson has no events: write one JSON object per line"),
        (b"\n \r\n", "has no events"),
        (b'{"a": 1}\nno JSON\n', "mine.ndjson, line 2 is not JSON in UTF-8: Expecting value"),
        (b'{"a": 1}\n\n[1]\n', "line 3 is not a JSON object: write one on every line"),
        (b"null", "line 1 is not a JSON object"),
        (b'{"a": NaN}', "line 1 is not JSON in UTF-8: JSON has no NaN"),
        (b'{"a": "\xff"}', "line 1 is not JSON in UTF-8: 'utf-8' codec can't decode byte 0xff"),
        (b'{"a": "\\ud800"}', "line 1 is not JSON in UTF-8: .* surrogates not allowed"),
        (b"[" * 100_000, "line 1 is not JSON in UTF-8: .*recursion"),
        (
            b'{"a": "' + b"x" * 2_000_000 + b'"}',
            r"line 1 makes a record of 2,000,\d{3} bytes; the stream accepts 1,048,576",
        ),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_event_that_cannot_be_put_is_named_with_its_line(read, content, reason):
    with pytest.raises(demo.BadInput, match=reason) as raised:
        read(content)
    assert raised.value.result == {"state": "refused", "reason": str(raised.value)}


def test_requests_are_as_large_as_the_service_accepts():
    entries = [{"Data": b"x" * size, "PartitionKey": "key"} for size in [10] * 501 + [2_000_000] * 5]
    groups = list(demo.requests(entries))
    assert [len(group) for group in groups] == [500, 3, 2, 1]
    assert [entry for group in groups for entry in group] == entries
    assert list(demo.requests([])) == []


def test_one_in_400_of_the_generated_records_is_invalid():
    records = demo.make_records(1200, "story")
    poison = [number for number, record in enumerate(records) if not readable(record)]
    assert poison == [399, 799, 1199]


def readable(record):
    try:
        json.loads(record, parse_constant=demo.refuse_constant)
    except ValueError:
        return False
    return True
