"""Every query of `trino_answers.json` has Trino's answer here, with its types, or is refused by name.

The file has what Trino itself answered; its field `made_by` says how it was asked. A query that Trino refuses fails.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blueprints.local.cloud import Cloud

ANSWERS = json.loads(Path(__file__).with_name("trino_answers.json").read_text(encoding="utf-8"))
RESULTS = "trino-answers"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        running.client("s3").create_bucket(Bucket=RESULTS)
        yield running


def test_every_query_has_the_answer_of_trino_or_is_refused_by_name(cloud: Cloud) -> None:
    athena = cloud.client("athena")
    where = {"OutputLocation": f"s3://{RESULTS}/"}
    played = together(ANSWERS["queries"])
    statements = [each["sql"].replace("{orders}", ANSWERS["orders"]) for each in played]
    started = [athena.start_query_execution(QueryString=sql, ResultConfiguration=where) for sql in statements]
    different = {}
    for expected, query in zip(played, [each["QueryExecutionId"] for each in started], strict=True):
        found, wanted = answer(athena, query), wanted_of(expected)
        if "ORDER BY" not in expected["sql"] and "rows" in wanted and "rows" in found:
            found["rows"], wanted["rows"] = sorted(found["rows"], key=str), sorted(wanted["rows"], key=str)
        if not (is_failure(found) if "fails" in expected else found == wanted):
            different[expected["sql"]] = (found, wanted)
    assert not different


def together(queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The queries, with 20 of those that select values alone as one, which takes less time."""
    values = [each for each in queries if "rows" in each and "refused" not in each and is_of_values(each["sql"])]
    merged = []
    for first in range(0, len(values), 20):
        some = values[first : first + 20]
        selected = ", ".join(each["sql"].removeprefix("SELECT ") for each in some)
        kinds, row = [], []
        for each in some:
            kinds += each["types"]
            row += each["rows"][0]
        merged.append({"sql": f"SELECT {selected}", "types": kinds, "rows": [row]})
    return [*merged, *(each for each in queries if each not in values)]


def is_of_values(sql: str) -> bool:
    return sql.startswith("SELECT ") and not re.search(r"\bFROM (\(|UNNEST)", sql)


def test_most_queries_are_answered() -> None:
    """A refusal is an answer too, but not the aim."""
    answered = [each for each in ANSWERS["queries"] if "rows" in each and "refused" not in each]
    assert len(answered) >= 580
    assert len(answered) / len(ANSWERS["queries"]) > 0.7


def wanted_of(expected: dict[str, Any]) -> dict[str, Any]:
    """What Athena answers: Trino's answer in Athena's words."""
    if "refused" in expected or "fails" in expected:
        return {"refused": expected.get("refused") or expected["fails"]}
    kinds = expected["types"]
    rows = [[text(*each) for each in zip(row, kinds, strict=True)] for row in expected["rows"]]
    return {"types": [athena_type(each) for each in kinds], "rows": rows}


def is_failure(found: dict[str, Any]) -> bool:
    """Whether a query failed, and not by a fault of the embedded AWS."""
    return "refused" in found and not re.search("Traceback|object has no attribute", found["refused"])


def status_of(athena: Any, query: str) -> dict[str, Any]:
    return dict(athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])


def answer(athena: Any, query: str) -> dict[str, Any]:
    while (status := status_of(athena, query))["State"] in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    if status["State"] == "FAILED":
        return {"refused": status["StateChangeReason"]}
    result = athena.get_query_results(QueryExecutionId=query)["ResultSet"]
    columns = result["ResultSetMetadata"]["ColumnInfo"]
    kinds = [
        f"decimal({each['Precision']},{each['Scale']})" if each["Type"] == "decimal" else each["Type"]
        for each in columns
    ]
    rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in result["Rows"][1:]]
    return {"types": kinds, "rows": rows}


def athena_type(kind: str) -> str:
    """A type of Trino as Athena names it in results: without sizes, decimals excepted."""
    if kind.startswith("decimal"):
        return kind
    name = kind.partition("(")[0]
    return {"real": "float"}.get(name, name)


def text(value: Any, kind: str) -> str | None:
    """A value's text in results: timestamps have three digits of a second at least."""
    if isinstance(value, list):
        inner = kind[len("array(") : -1]
        return "[" + ", ".join("null" if each is None else str(text(each, inner)) for each in value) + "]"
    if value is not None and kind.startswith("timestamp"):
        moment, _, fraction = value.partition(".")
        return f"{moment}.{fraction:0<3}"
    return value
