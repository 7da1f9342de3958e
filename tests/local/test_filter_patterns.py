"""Filter patterns of CloudWatch Logs find the events that they find on AWS."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from blueprints.local.services.logs.filter_patterns import InvalidPattern, compile_pattern

JSON = json.dumps(
    {
        "level": "ERROR",
        "n": 5,
        "ratio": 0.5,
        "none": None,
        "yes": True,
        "no": False,
        "list": [{"name": "first"}, "second"],
        "nested": {"a-b": {"c": "deep"}},
        "dotted.key": "dotted",
        "code": "404",
        "url": "https://example.com/a?b=[c]",
        "error": 'said "no" (twice)',
    }
)
ACCESS = '127.0.0.1 - bob [10/Oct/2026:13:55:36 +0000] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "message", "found"),
    [
        ("", "anything", True),
        (" ", "anything", True),
        # terms
        ("ERROR", "an ERROR occurred", True),
        ("ERROR", "an error occurred", False),
        ("ERROR occurred", "an ERROR has occurred", True),
        ("ERROR twice", "an ERROR occurred", False),
        ('"ERROR occurred"', "an ERROR has occurred", False),
        ('"say \\"no\\""', 'they say "no"', True),
        ("ERROR -timeout", "ERROR by timeout", False),
        ("ERROR -timeout", "ERROR by chance", True),
        ("-timeout", "well done", True),
        ("?ERROR ?WARN", "WARN of it", True),
        ("?ERROR ?WARN", "INFO only", False),
        ("%W.RN%", "a WARN", True),
        ("%^W.RN%", "a WARN", False),
        # conditions on JSON
        ('{ $.level = "ERROR" }', JSON, True),
        ("{ $.level = ERROR }", JSON, True),
        ('{$.level="ERROR"}', JSON, True),
        ('{ $.level = "error" }', JSON, False),
        ('{ $.level != "INFO" }', JSON, True),
        ('{ $.level != "ERROR" }', JSON, False),
        ('{ $.missing != "x" }', JSON, False),
        ('{ $.level = "ERR*" }', JSON, True),
        ('{ $.level = "*RR*" }', JSON, True),
        ('{ $.url = "https://example.com/a?b=[c]" }', JSON, True),
        ('{ $.url = "https://example.com/aXb=c" }', JSON, False),
        ("{ $.level = %^E.*R$% }", JSON, True),
        ("{ $.n = 5 }", JSON, True),
        ("{ $.n > 4.5 }", JSON, True),
        ("{ $.n >= 6 }", JSON, False),
        ("{ $.n < 1e1 }", JSON, True),
        ("{ $.ratio <= .5 }", JSON, True),
        ("{ $.level > 1 }", JSON, False),
        ("{ $.code = 4* }", JSON, True),
        ("{ $.none IS NULL }", JSON, True),
        ("{ $.level IS NULL }", JSON, False),
        ("{ $.missing IS NULL }", JSON, False),
        ("{ $.missing NOT EXISTS }", JSON, True),
        ("{ $.none NOT EXISTS }", JSON, False),
        ("{ $.yes IS TRUE }", JSON, True),
        ("{ $.no IS TRUE }", JSON, False),
        ("{ $.no IS FALSE }", JSON, True),
        ('{ $.list[0].name = "first" }', JSON, True),
        ('{ $.list[1] = "second" }', JSON, True),
        ('{ $.list[2] = "second" }', JSON, False),
        ('{ $.nested.a-b.c = "deep" }', JSON, True),
        ("{ $['dotted.key'] = \"dotted\" }", JSON, True),
        ('{ $.error = "said \\"no\\" (twice)" }', JSON, True),
        ('{ $.level = "INFO" || $.n = 5 && $.yes IS TRUE }', JSON, True),
        ('{ ($.level = "INFO" || $.n = 5) && $.yes IS FALSE }', JSON, False),
        ('{ $.level = "INFO" || ($.n = 5 && ($.yes IS TRUE)) }', JSON, True),
        ('{ $.level = "ERROR" }', "ERROR in text", False),
        ('{ $.level = "ERROR" }', '"ERROR"', False),
        # conditions on fields
        ("[ip, user, name, time, request, status, bytes]", ACCESS, True),
        ("[ip, user, name]", ACCESS, False),
        ("[ip, user, name, time, request, status = 404, bytes]", ACCESS, True),
        ("[ip, user, name, time, request, status = 4*, bytes > 1000]", ACCESS, True),
        ("[ip, user, name, time, request, status = 4*, bytes > 2000]", ACCESS, False),
        ("[ip, user, name, time, request, status = 500 || status = 404, bytes]", ACCESS, True),
        ('[ip, user, name, time, request = "GET*", ...]', ACCESS, True),
        ("[..., status = 404, bytes]", ACCESS, True),
        ("[ip != 127.0.0.1, ...]", ACCESS, False),
        ("[ip, ..., bytes = 1534]", ACCESS, True),
    ],
)
def test_a_filter_pattern_matches_lines(pattern, message, found):
    assert compile_pattern(pattern)(message) == found


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.level = }",
        '{ $.level = "ERROR"',
        "{ level = 5 }",
        "{ $.level = 5 ) }",
        "{ ($.level = 5 }",
        "{ $.n > many }",
        "{ $.n IS ODD }",
        "{ $.n = 5 && }",
        "{ }",
        "[ip, user",
        "[..., a, ...]",
        "%(%",
    ],
)
def test_a_broken_pattern_is_refused(pattern):
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


def test_events_are_filtered_by_the_pattern(cloud):
    logs, group = cloud.client("logs"), f"group-{uuid.uuid4().hex[:12]}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="stream")
    now = int(time.time() * 1000)
    lines = ['{"level": "ERROR", "n": 1}', '{"level": "INFO", "n": 2}', "ERROR in text"]
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="stream", logEvents=events)

    def found(pattern):
        events = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
        return [lines.index(each["message"]) for each in events]

    assert found('{ $.level = "ERROR" }') == [0]
    assert found("{ $.n > 1 }") == [1]
    assert found("ERROR") == [0, 2]
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        found("{ $.n > }")
