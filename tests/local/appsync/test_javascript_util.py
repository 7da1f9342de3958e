"""The utilities of APPSYNC_JS: what each answers."""

import json
import re
import time
import uuid

import pytest

from blueprints.local.services.appsync.javascript import EvaluationFailed, evaluate
from blueprints.local.services.appsync.javascript.supported import MEMBERS


def value(expression: str, context: dict | None = None):
    code = (
        "import { util } from '@aws-appsync/utils';\nimport * as ddb from '@aws-appsync/utils/dynamodb';\n"
        f"export function request(ctx) {{ return {expression}; }}"
    )
    return evaluate(code, "request", context or {}).result


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("util.urlEncode('a b&c=é~*(x)')", "a+b%26c%3D%C3%A9%7E*%28x%29"),
        ("util.urlDecode('a+b%26c%3D%C3%A9')", "a b&c=é"),
        ("util.base64Encode('grüße 🎉')", "Z3LDvMOfZSDwn46J"),
        ("util.base64Decode('Z3LDvMOfZSDwn46J')", "grüße 🎉"),
        ("util.base64Decode('/2E=')", "\ufffda"),
        ("util.escapeJavaScript('\"a/\\'\\n\\u00e9')", "\\\"a\\/\\'\\n\\u00E9"),
        ("util.matches('a*b', 'aaaab')", True),
        ("util.matches('a*b', 'aaaabc')", False),
        ("util.matches('(?i)A.c', 'abC')", True),
        ("util.matches('\\\\p{L}+', 'é')", True),
        ("util.str.normalize('é', 'nfd').length", 2),
        ("util.math.roundNum(10.5)", 11),
        ("util.math.minVal(1, 2)", 1),
        ("util.math.maxVal(1, 2)", 2),
        ("util.rds.toJsonObject(null)", None),
        ("util.http.copyHeaders({ Host: 'a', 'x-own': 'b', 'content-length': 1 })", {"x-own": "b"}),
    ],
)
def test_text_and_numbers(expression, expected):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a.b.c'.replace('[.]', '-')", "a-b.c"),
        ("'a.b.c'.replaceAll('\\\\.', '-')", "a-b-c"),
        ("'a.b'.replaceAll('.', '-')", "---"),
        ("'2026-11'.replace('(\\\\d+)-(\\\\d+)', '$2/$1')", "11/2026"),
        ("'2026'.replace('(?<y>\\\\d+)', '<${y}>')", "<2026>"),
        ("'5'.replace('5', '\\\\$5')", "$5"),
        ("'AbA'.replaceAll('(?i)a', 'x')", "xbx"),
        ("JSON.parse('{\"a\": [1]}')", {"a": [1]}),
        ("JSON.parse('{a')", ""),
        ("typeof Math.random()", "number"),
    ],
)
def test_built_in_functions_that_differ_from_those_of_other_engines(expression, expected):
    assert value(expression) == expected


def test_an_invalid_regular_expression_is_an_error():
    with pytest.raises(EvaluationFailed) as caught:
        value("'a'.replace('(', '')")
    assert caught.value.error_type == "Code"


def test_uuids_are_of_version_4_and_differ():
    made = value("[util.autoId(), util.autoId()]") + value("[util.autoId(), util.autoId()]")
    assert len(set(made)) == 4
    assert all(uuid.UUID(one).version == 4 and uuid.UUID(one).variant == uuid.RFC_4122 for one in made)


def test_ulids_and_ksuids_carry_the_time():
    ulid, ksuid = value("[util.autoUlid(), util.autoKsuid()]")
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", ulid)
    milliseconds = 0
    for character in ulid[:10]:
        milliseconds = milliseconds * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
    assert abs(milliseconds / 1000 - time.time()) < 60
    number = 0
    for character in ksuid:
        number = number * 62 + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(character)
    assert len(ksuid) == 27
    assert abs((number >> 128) + 1_400_000_000 - time.time()) < 60


def test_random_numbers_stay_in_their_range():
    numbers = value("Array(200).fill(0).map((x) => util.math.randomWithinRange(3, 6))")
    assert set(numbers) == {3, 4, 5}
    assert all(0 <= one < 1 for one in value("Array(200).fill(0).map((x) => util.math.randomDouble())"))


COGNITO = {
    "sourceIp": ["1.2.3.4"],
    "username": "alice",
    "groups": None,
    "sub": "s",
    "issuer": "https://example.com",
    "claims": {},
    "defaultAuthStrategy": "ALLOW",
}


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (None, "API Key Authorization"),
        ({"accountId": "1", "sourceIp": [], "username": "u", "userArn": "arn:aws:iam::1:user/u"}, "IAM Authorization"),
        (COGNITO, "User Pool Authorization"),
        ({"sub": "s", "issuer": "i", "claims": {}}, "Open ID Connect Authorization"),
        ({"resolverContext": {"a": 1}}, "Lambda Authorization"),
        ({}, "Lambda Authorization"),
        ({"claims": {}}, "API Key Authorization"),
    ],
)
def test_authorization_type(identity, expected):
    assert value("util.authType()", {"identity": identity}) == expected


# util.time


def test_now():
    iso, seconds, milliseconds, date = value(
        "[util.time.nowISO8601(), util.time.nowEpochSeconds(), util.time.nowEpochMilliSeconds(), "
        "util.time.nowFormatted('yyyy')]"
    )
    assert abs(seconds - time.time()) < 60
    assert milliseconds // 1000 == seconds
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", iso)
    assert date == iso[:4]


MOMENT = 1517943695750  # 2018-02-06T19:01:35.750Z, a Tuesday


@pytest.mark.parametrize(
    ("pattern", "zone", "expected"),
    [
        ("yyyy-MM-dd HH:mm:ssZ", None, "2018-02-06 19:01:35+0000"),
        ("yyyy-MM-dd HH:mm:ssZ", "Australia/Perth", "2018-02-07 03:01:35+0800"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "+05:30", "2018-02-07T00:31:35.750+05:30"),
        ("EEEE, d MMMM yy, h:mm a", None, "Tuesday, 6 February 18, 7:01 PM"),
        ("E D MMM K k S", None, "Tue 37 Feb 7 19 7"),
        ("HH 'o''clock' X x Q", None, "19 o'clock Z +00 1"),
        ("VV z XX", "Europe/Berlin", "Europe/Berlin CET +0100"),
        ("O", "America/New_York", "GMT-5"),
    ],
)
def test_formats(pattern, zone, expected):
    arguments = [MOMENT, pattern, *([zone] if zone else [])]
    assert value(f"util.time.epochMilliSecondsToFormatted(...{json.dumps(arguments)})") == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["2018-02-01 17:21:05+0800", "yyyy-MM-dd HH:mm:ssZ"], 1517476865000),
        (["2018-02-01 17:21:05", "yyyy-MM-dd HH:mm:ss", "Australia/Perth"], 1517476865000),
        (["1 February 2018 5:21 PM", "d MMMM yyyy h:mm a", "UTC"], 1517505660000),
        (["20180201172105", "yyyyMMddHHmmss", "Australia/Perth"], 1517476865000),
        (["2018-02-30", "yyyy-MM-dd", "UTC"], None),
        (["2018-02-01", "yyyy-MM-dd"], None),
        (["yesterday", "yyyy-MM-dd", "UTC"], None),
        # 02:30 is skipped on this day and occurs twice on the other one.
        (["2021-03-28 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin"], 1616895000000),
        (["2021-10-31 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin"], 1635640200000),
    ],
)
def test_parsing(arguments, expected):
    assert value(f"util.time.parseFormattedToEpochMilliSeconds(...{json.dumps(arguments)})") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-02-01T17:21:05.180+08:00", 1517476865180),
        ("2018-02-01T09:21:05Z", 1517476865000),
        ("2018-02-01T09:21:05.123456789Z", 1517476865123),
        ("2018-13-01T09:21:05Z", None),
        ("now", None),
    ],
)
def test_iso_8601(text, expected):
    assert value(f"util.time.parseISO8601ToEpochMilliSeconds('{text}')") == expected


def test_conversions_of_moments():
    assert value(f"util.time.epochMilliSecondsToSeconds({MOMENT})") == 1517943695
    assert value(f"util.time.epochMilliSecondsToISO8601({MOMENT})") == "2018-02-06T19:01:35.750Z"


@pytest.mark.parametrize("call", ["nowFormatted('yyyy', 'Nowhere/Else')", "nowFormatted('jjj')"])
def test_an_unknown_zone_or_letter_is_an_error(call):
    with pytest.raises(EvaluationFailed) as caught:
        value(f"util.time.{call}")
    assert caught.value.error_type == "Code"


# util.dynamodb


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("toDynamoDB('a')", {"S": "a"}),
        ("toDynamoDB(12345)", {"N": 12345}),
        ("toDynamoDB(true)", {"BOOL": True}),
        ("toDynamoDB(null)", {"NULL": None}),
        (
            "toDynamoDB({ foo: 'bar', list: [1, { a: null }] })",
            {"M": {"foo": {"S": "bar"}, "list": {"L": [{"N": 1}, {"M": {"a": {"NULL": None}}}]}}},
        ),
        ("toString('a')", {"S": "a"}),
        ("toString(null)", None),
        ("toStringSet(['a', 'b'])", {"SS": ["a", "b"]}),
        ("toNumber(1.5)", {"N": 1.5}),
        ("toNumberSet([1, 23, 4.56])", {"NS": [1, 23, 4.56]}),
        ("toBinary('Zm9v')", {"B": "Zm9v"}),
        ("toBinarySet(['Zm9v'])", {"BS": ["Zm9v"]}),
        ("toBoolean(false)", {"BOOL": False}),
        ("toNull()", {"NULL": None}),
        ("toList(['a', 1])", {"L": [{"S": "a"}, {"N": 1}]}),
        ("toMap({ a: 1, gone: undefined })", {"M": {"a": {"N": 1}}}),
        ("toMapValues({ a: 'b' })", {"a": {"S": "b"}}),
        ("toS3Object('k', 'b', 'r')", {"S": '{"s3":{"key":"k","bucket":"b","region":"r"}}'}),
        ("toS3Object('k', 'b', 'r', 'v')", {"S": '{"s3":{"key":"k","bucket":"b","region":"r","version":"v"}}'}),
        ('fromS3ObjectJson(\'{"s3":{"key":"k"}}\')', {"key": "k"}),
    ],
)
def test_attribute_values(expression, expected):
    assert value(f"util.dynamodb.{expression}") == expected


def update(changes: str) -> dict:
    return value(f"ddb.update({{ key: {{ id: 'n' }}, update: {changes} }}).update")


@pytest.mark.parametrize(
    ("change", "expression", "values"),
    [
        ("10", "SET #expName_1 = :expValue_1", [{"N": 10}]),
        ("ddb.operations.add(10)", "SET #expName_1 = :expValue_1", [{"N": 10}]),
        ("ddb.operations.replace({ a: 1 })", "SET #expName_1 = :expValue_1", [{"M": {"a": {"N": 1}}}]),
        ("ddb.operations.increment(10)", "SET #expName_1 = #expName_1 + :expValue_1", [{"N": 10}]),
        ("ddb.operations.decrement(10)", "SET #expName_1 = #expName_1 - :expValue_1", [{"N": 10}]),
        (
            "ddb.operations.append([1])",
            "SET #expName_1 = list_append(#expName_1, :expValue_1)",
            [{"L": [{"N": 1}]}],
        ),
        (
            "ddb.operations.prepend([1])",
            "SET #expName_1 = list_append(:expValue_1, #expName_1)",
            [{"L": [{"N": 1}]}],
        ),
        ("ddb.operations.remove()", "REMOVE #expName_1", None),
        ("null", "REMOVE #expName_1", None),
        ("[ddb.operations.updateListItem('x', 2)]", "SET #expName_1[2] = :expValue_1", [{"S": "x"}]),
        ("{ zip: '1' }", "SET #expName_1.#expName_2 = :expValue_1", [{"S": "1"}]),
        ("ddb.toStringSet(['a'])", "SET #expName_1 = :expValue_1", [{"SS": ["a"]}]),
    ],
)
def test_update_expressions(change, expression, values):
    made = update(f"{{ field: {change} }}")
    assert made["expression"] == expression
    assert made["expressionNames"]["#expName_1"] == "field"
    assert made.get("expressionValues") == (values and {":expValue_1": values[0]})


def test_several_changes_make_one_expression():
    made = update("{ a: 1, b: null, c: ddb.operations.increment() }")
    assert made["expression"] == "SET #expName_1 = :expValue_1, #expName_3 = #expName_3 + :expValue_2 REMOVE #expName_2"
    assert made["expressionValues"] == {":expValue_1": {"N": 1}, ":expValue_2": {"N": 1}}


KEY = {"id": {"S": "n"}}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("get({ key: { id: 'n' } })", {"operation": "GetItem", "key": KEY}),
        (
            "get({ key: { id: 'n' }, consistentRead: true, projection: ['id', 'a.b[0].c'] })",
            {
                "operation": "GetItem",
                "key": KEY,
                "consistentRead": True,
                "projection": {
                    "expression": "#projection_1, #projection_2.#projection_3[0].#projection_4",
                    "expressionNames": {
                        "#projection_1": "id",
                        "#projection_2": "a",
                        "#projection_3": "b",
                        "#projection_4": "c",
                    },
                },
            },
        ),
        (
            "put({ key: { id: 'n' }, item: { value: 10 }, condition: { id: { attributeExists: false } } })",
            {
                "operation": "PutItem",
                "key": KEY,
                "attributeValues": {"value": {"N": 10}},
                "condition": {"expression": "(attribute_not_exists(#id))", "expressionNames": {"#id": "id"}},
            },
        ),
        ("remove({ key: { id: 'n' }, _version: 3 })", {"operation": "DeleteItem", "key": KEY, "_version": 3}),
        ("scan({ limit: 10, nextToken: 'abc', filter: null })", {"operation": "Scan", "limit": 10, "nextToken": "abc"}),
        ("sync({ limit: 10, lastSync: 1 })", {"operation": "Sync", "limit": 10, "lastSync": 1}),
        (
            "query({ index: 'i', query: { id: { eq: 'n' }, at: { between: [1, 2] } }, scanIndexForward: false })",
            {
                "operation": "Query",
                "index": "i",
                "scanIndexForward": False,
                "query": {
                    "expression": "(#expName_1 = :expValue_1) AND "
                    "(#expName_2 BETWEEN :expValue_2_start AND :expValue_2_end)",
                    "expressionNames": {"#expName_1": "id", "#expName_2": "at"},
                    "expressionValues": {
                        ":expValue_1": {"S": "n"},
                        ":expValue_2_start": {"N": 1},
                        ":expValue_2_end": {"N": 2},
                    },
                },
            },
        ),
        (
            "batchGet({ tables: { t: { keys: [{ id: 'n' }], consistentRead: true } } })",
            {"operation": "BatchGetItem", "tables": {"t": {"keys": [KEY], "consistentRead": True}}},
        ),
        ("batchPut({ tables: { t: [{ id: 'n' }] } })", {"operation": "BatchPutItem", "tables": {"t": [KEY]}}),
        ("batchDelete({ tables: { t: [{ id: 'n' }] } })", {"operation": "BatchDeleteItem", "tables": {"t": [KEY]}}),
        (
            "transactGet({ items: [{ table: 't', key: { id: 'n' } }] })",
            {"operation": "TransactGetItems", "transactItems": [{"table": "t", "key": KEY}]},
        ),
        (
            (
                "transactWrite({ items: [{ putItem: { table: 't', key: { id: 'n' }, item: { a: 1 } } }, "
                "{ updateItem: { table: 't', key: { id: 'n' }, update: { a: 1 } } }, "
                "{ deleteItem: { table: 't', key: { id: 'n' } } }, "
                "{ conditionCheck: { table: 't', key: { id: 'n' }, condition: { a: { eq: 1 } } } }] })"
            ),
            {
                "operation": "TransactWriteItems",
                "transactItems": [
                    {"table": "t", "key": KEY, "operation": "PutItem", "attributeValues": {"a": {"N": 1}}},
                    {
                        "table": "t",
                        "key": KEY,
                        "operation": "UpdateItem",
                        "update": {
                            "expression": "SET #expName_1 = :expValue_1",
                            "expressionNames": {"#expName_1": "a"},
                            "expressionValues": {":expValue_1": {"N": 1}},
                        },
                    },
                    {"table": "t", "key": KEY, "operation": "DeleteItem"},
                    {
                        "table": "t",
                        "key": KEY,
                        "operation": "ConditionCheck",
                        "condition": {
                            "expression": "(#a = :a_eq)",
                            "expressionNames": {"#a": "a"},
                            "expressionValues": {":a_eq": {"N": 1}},
                            "returnValuesOnConditionCheckFailure": True,
                        },
                    },
                ],
            },
        ),
    ],
)
def test_requests_of_the_dynamodb_module(call, expected):
    assert value(f"ddb.{call}") == expected


@pytest.mark.parametrize("call", ["query({ query: { id: { ne: 1 } } })", "scan({ filter: { id: { nothing: 1 } } })"])
def test_requests_that_cannot_be_expressed(call):
    with pytest.raises(EvaluationFailed):
        value(f"ddb.{call}")


# util.transform


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        ("{ v: { eq: 'x' } }", "(#v = :v_eq)"),
        ("{ v: { ne: 'x' } }", "(#v <> :v_ne)"),
        ("{ v: { ge: 1, le: 5 } }", "((#v >= :v_ge) AND (#v <= :v_le))"),
        ("{ v: { contains: 'x' } }", "(contains(#v,:v_contains))"),
        ("{ v: { notContains: 'x' } }", "(NOT contains(#v,:v_notContains))"),
        ("{ v: { beginsWith: 'x' } }", "(begins_with(#v,:v_beginsWith))"),
        ("{ v: { between: [1, 9] } }", "(#v BETWEEN :v_between_start AND :v_between_end)"),
        ("{ v: { in: ['a', 'b'] } }", "(#v IN (:v_in_0, :v_in_1))"),
        ("{ v: { attributeExists: true } }", "(attribute_exists(#v))"),
        ("{ v: { attributeType: 'string' } }", "(attribute_type(#v,:v_attributeType))"),
        ("{ v: { size: { gt: 2 } } }", "(size(#v) > :v_size_gt)"),
        ("{ a: { eq: 1 }, b: { eq: 2 } }", "(#a = :a_eq) AND (#b = :b_eq)"),
        ("{ and: [{ a: { eq: 1 } }] }", "(#a = :and_0_a_eq)"),
        ("{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }", "((#a = :or_0_a_eq) OR (#b = :or_1_b_eq))"),
        ("{ not: { a: { eq: 1 } } }", "(NOT (#a = :not_a_eq))"),
        (
            "{ and: [{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }, { c: { eq: 3 } }] }",
            "(((#a = :and_0_or_0_a_eq) OR (#b = :and_0_or_1_b_eq)) AND (#c = :and_1_c_eq))",
        ),
        ("{}", ""),
    ],
)
@pytest.mark.parametrize("function", ["toDynamoDBFilterExpression", "toDynamoDBConditionExpression"])
def test_filter_expressions(function, given, expression):
    made = json.loads(value(f"util.transform.{function}({given})"))
    assert made["expression"] == expression
    assert set(made["expressionNames"]) == set(re.findall(r"#\w+", expression))
    assert set(made["expressionValues"]) == set(re.findall(r":\w+", expression))


def test_operands_have_their_type():
    made = json.loads(value("util.transform.toDynamoDBFilterExpression({ v: { eq: [1, 'a', null] } })"))
    assert made["expressionValues"] == {":v_eq": {"L": [{"N": 1}, {"S": "a"}, {"NULL": None}]}}


@pytest.mark.parametrize(
    "given",
    [
        "", "null", "[]", "'text'", "{ v: { nothing: 1 } }", "{ v: 'x' }", "{ and: { a: { eq: 1 } } }",
        "{ not: [{ a: { eq: 1 } }] }", "{ v: { between: [1] } }", "{ v: { in: 'x' } }",
        "{ v: { attributeExists: 'yes' } }", "{ v: { attributeType: 'S' } }", "{ v: { size: 3 } }",
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_expressed_is_null(given):
    assert value(f"util.transform.toDynamoDBFilterExpression({given})") is None


def condition(field, operator, operand):
    return {"fieldName": field, "operator": operator, "value": operand}


A, B, C = condition("a", "eq", 1), condition("b", "eq", 2), condition("c", "eq", 3)


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ("{ a: { eq: 1 } }", [[A]]),
        ("{ a: { eq: 1 }, b: { eq: 2 } }", [[A, B]]),
        ("{ and: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }", [[A, B]]),
        ("{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }", [[A], [B]]),
        ("{ and: [{ a: { eq: 1 } }, { or: [{ b: { eq: 2 } }, { c: { eq: 3 } }] }] }", [[A, B], [A, C]]),
        ("{ a: { eq: 1, ne: 2 } }", [[A], [condition("a", "ne", 2)]]),
        ("{ a: { in: [1, 2] }, 'x.y': { between: ['a', 'b'] } }",
         [[condition("a", "in", [1, 2]), condition("x.y", "between", ["a", "b"])]]),
        ("{ a: { eq: 1 }, b: { eq: 2 } }, ['a']", [[B]]),
        ("{ a: { eq: 1 } }, [], { b: { eq: 2 }, c: { eq: 3 } }", [[A, B], [A, C]]),
        ("{}, [], { a: { eq: 1 } }", [[A]]),
        ("{}", []),
        ("{ a: {} }", []),
    ],
)  # fmt: skip
def test_subscription_filters(arguments, groups):
    assert value(f"util.transform.toSubscriptionFilter({arguments})") == {
        "filterGroup": [{"filters": group} for group in groups]
    }


@pytest.mark.parametrize("given", ["", "null", "[]", "'{}'"])
def test_no_subscription_filter(given):
    assert value(f"util.transform.toSubscriptionFilter({given})") is None


def test_search_queries():
    given = "{ upvotes: { ne: 15, range: [10, 20] }, title: { eq: 'hihihi', wildcard: 'h*i' } }"
    upvotes = [{"bool": {"must_not": {"term": {"upvotes": 15}}}}, {"range": {"upvotes": {"gte": 10, "lte": 20}}}]
    title = [{"term": {"title": "hihihi"}}, {"wildcard": {"title": "h*i"}}]
    assert json.loads(value(f"util.transform.toElasticsearchQueryDSL({given})")) == {
        "bool": {"must": [{"bool": {"must": upvotes}}, {"bool": {"must": title}}]}
    }


def test_records_of_the_rds_data_api():
    result = {
        "sqlStatementResults": [
            {"columnMetadata": [{"label": "id"}, {"label": "t"}], "records": [[{"longValue": 1}, {"isNull": True}]]},
            {"numberOfRecordsUpdated": 1, "records": [], "columnMetadata": []},
        ]
    }
    assert value("util.rds.toJsonObject(ctx.result)", {"result": json.dumps(result)}) == [[{"id": 1, "t": None}], []]


@pytest.mark.parametrize("path", [path for path in MEMBERS if not path.startswith("@")])
def test_the_runtime_has_exactly_the_members_that_code_may_use(path):
    assert set(value(f"Object.keys({path})")) == set(MEMBERS[path])


def test_the_dynamodb_module_has_exactly_the_members_that_code_may_use():
    assert set(value("Object.keys(ddb)")) == set(MEMBERS["@aws-appsync/utils/dynamodb"])
    assert set(value("Object.keys(ddb.operations)")) == set(MEMBERS["@aws-appsync/utils/dynamodb.operations"])
