"""Delivers two days of a shop's orders, and compares the revenue per day of Athena, PostgreSQL and the generator.

blueprints play . --stack NAME

The orders hold late rows, repeated rows, corrections, broken rows and a broken object. Their ids are new in each play,
so the demo can be played on a stack that has orders already.
"""

import csv
import gzip
import io
import json
import random
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DAYS = (date(2026, 11, 26), date(2026, 11, 27))
ORDERS, OBJECTS = 600, 25  # of each day
LATE_EVERY, CORRECTED_EVERY, RESENT_EVERY, REPEATED_EVERY, BROKEN_EVERY = 30, 9, 50, 40, 70
PATIENCE = 900  # seconds for a run; Glue takes a minute to start
RESUMING = 60  # seconds for a database that has paused
COLUMNS = ["order_id", "customer_id", "ordered_at", "updated_at", "country", "status", "amount", "note"]
COUNTRIES = ("AT", "DE", "FR", "JP", "PL")
NOTES = ("", "", 'a "gift", please', "ring twice\nor call", "Bitte klingeln – danke!", "ギフト包装でお願いします")
ZONE = ZoneInfo("Europe/Vienna")  # the default of the parameter TimeZone
BROKEN = (("order_id", ""), ("amount", "1,000"), ("ordered_at", "2026-02-30T00:00:00Z"), ("country", "Japan"))
COUNTS = ("raw_rows", "quarantined", "unreadable", "duplicates", "merged", "outdated", "late_merged")

Order = dict[str, str]


class WrongResult(Exception):
    """The lake does not hold what follows from the objects that were delivered."""


class RunFailed(Exception):
    """The state machine's execution, or a query, failed."""


def run(stack: Any) -> dict[str, Any]:
    """Deliver and curate both days, the second one twice. Raises WrongResult if counts or revenues differ."""
    lake, shop = Lake(stack), Shop(uuid.uuid4().hex[:8])
    with stack.step("Read the revenue that is in the lake already"):
        before = lake.revenue()
    reports = []
    for day in DAYS:
        objects = shop.objects(day)
        with stack.step(f"Put {len(objects)} objects below raw/{day}/"):
            lake.deliver(day, shop.name, objects)
        with stack.step(f"Curate {day}, and load the revenue"):
            reports.append(lake.curate(day, shop.name))
            check(f"the counts of {day}", shop.counts[day], Counter({name: reports[-1][name] for name in COUNTS}))
    with stack.step("Start the last run again: nothing changes"):
        check("the report of the same run", reports[-1], lake.curate(DAYS[-1], shop.name))
    with stack.step("Compare the revenue per day of Athena, PostgreSQL and the generator"):
        everything = lake.revenue()
        revenue = {day: value - before.get(day, Decimal(0)) for day, value in everything.items()}
        revenue = {day: value for day, value in revenue.items() if value}
        check("the revenue in Athena", shop.revenue(), revenue)
        postgres = lake.revenue_in_postgres()
        if postgres is not None:
            check("the revenue in PostgreSQL", everything, postgres)
    added = None if postgres is None else sum(postgres.values()) - sum(before.values())
    return {
        **{name: sum(each[name] for each in reports) for name in COUNTS if name != "merged"},
        "curated_rows": reports[-1]["curated_rows"],
        "engine": reports[-1]["engine"],
        "revenue_athena": f"{sum(revenue.values()):.2f}",
        "revenue_postgres": None if added is None else f"{added:.2f}",
        "revenue_generated": f"{sum(shop.revenue().values()):.2f}",
        "dpu_seconds": sum(each["dpu_seconds"] for each in reports),
        "files": files(stack.folder, revenue),
    }


def check(what: str, expected: Any, found: Any) -> None:
    """Raise WrongResult unless both are equal."""
    if expected != found:
        raise WrongResult(f"{what}: {found} instead of {expected}")


# --- the orders ------------------------------------------------------------------------------------------------------


class Shop:
    """Makes the orders, the same ones each time but for their ids, and knows what has to come out."""

    def __init__(self, name: str) -> None:
        self.name, self.counts = name, {day: Counter(dict.fromkeys(COUNTS, 0)) for day in DAYS}
        self._chance = random.Random(20_261_126)  # noqa: S311 - no secret
        self._current: dict[str, Order] = {}
        first, second = ([self._order(day) for _ in range(ORDERS)] for day in DAYS)
        late, first = first[::LATE_EVERY], [each for n, each in enumerate(first) if n % LATE_EVERY]
        corrected = [self._corrected(each) for each in first[::CORRECTED_EVERY]]
        resent = [each for n, each in enumerate(first) if n % RESENT_EVERY == 1 and n % CORRECTED_EVERY]
        self._rows = {DAYS[0]: first, DAYS[1]: second + late + corrected + resent}
        self.counts[DAYS[1]].update(outdated=len(resent), late_merged=len(late) + len(corrected))

    def _order(self, day: date) -> Order:
        chance = self._chance
        midnight = datetime.combine(day, time_of_day(), ZONE).astimezone(UTC)
        ordered = midnight + timedelta(seconds=chance.randrange(86_400))
        text = f"{ordered:%Y-%m-%dT%H:%M:%SZ}"
        return {
            "order_id": f"{self.name}-{chance.randrange(10**9):09}",
            "customer_id": f"customer {chance.randrange(200):03}",
            "ordered_at": text,
            "updated_at": text,
            "country": chance.choice(COUNTRIES),
            "status": chance.choice(("placed", "paid", "shipped", "cancelled")),
            "amount": f"{chance.randrange(199, 49_999) / 100:.2f}",
            "note": chance.choice(NOTES),
            "day": str(day),
        }

    def _corrected(self, order: Order) -> Order:
        later = datetime.fromisoformat(order["updated_at"]) + timedelta(hours=20)
        amount = Decimal(order["amount"]) + 1
        return {**order, "updated_at": f"{later:%Y-%m-%dT%H:%M:%SZ}", "status": "paid", "amount": str(amount)}

    def objects(self, day: date) -> dict[str, bytes]:
        """The objects of a day: some are unusual but readable, the last one of the second day is not."""
        rows, counts = self._rows[day], self.counts[day]
        for each in rows:
            known = self._current.get(each["order_id"])
            self._current[each["order_id"]] = max(known or each, each, key=lambda version: version["updated_at"])
        repeated = rows[::REPEATED_EVERY]
        broken = [{**self._order(day), **dict([BROKEN[n % len(BROKEN)]])} for n in range(len(rows) // BROKEN_EVERY)]
        counts.update(
            raw_rows=len(rows) + len(repeated) + len(broken),
            quarantined=len(broken),
            duplicates=len(repeated),
            merged=len(rows) - counts["outdated"],
        )
        delivered = rows + repeated + broken
        self._chance.shuffle(delivered)
        objects = dict(self._object(n, delivered[n::OBJECTS]) for n in range(OBJECTS))
        if day == DAYS[1]:
            objects["cut off.csv.gz"] = gzip.compress(as_csv([self._order(day)] * 20, COLUMNS))[:-30]
            counts["unreadable"] = 1
        return objects

    @staticmethod
    def _object(number: int, rows: list[Order]) -> tuple[str, bytes]:
        columns = {3: COLUMNS[::-1], 5: [*COLUMNS, "channel"]}.get(number, COLUMNS)
        content = as_csv(rows, columns)
        if number == 7:
            return f"orders 注文 {number:02}.csv.gz", gzip.compress(content)
        return f"orders-{number:02}.csv", content

    def revenue(self) -> dict[str, Decimal]:
        """The revenue of each day, from the latest version of each order; cancelled orders have none."""
        days: dict[str, Decimal] = defaultdict(Decimal)
        for order in self._current.values():
            days[order["day"]] += Decimal(order["amount"]) if order["status"] != "cancelled" else 0
        return dict(days)


def as_csv(rows: Iterable[Order], columns: list[str]) -> bytes:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="web")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


# --- the lake --------------------------------------------------------------------------------------------------------


class Lake:
    """The stack's bucket, state machine, tables and database."""

    def __init__(self, stack: Any) -> None:
        self._stack, self._outputs = stack, stack.outputs

    def deliver(self, day: date, name: str, objects: dict[str, bytes]) -> None:
        """Put objects below `raw/DAY/NAME/`."""
        s3 = self._stack.client("s3")
        for each, content in objects.items():
            s3.put_object(Bucket=self._outputs["LakeBucket"], Key=f"raw/{day}/{name}/{each}", Body=content)

    def curate(self, day: date, name: str) -> dict[str, Any]:
        """Run the state machine for a day; return its report. Raises RunFailed."""
        states, machine = self._stack.client("stepfunctions"), self._outputs["StateMachine"]
        given = json.dumps({"day": str(day), "run_id": f"{name}-{day}"})
        arn = states.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        deadline = time.monotonic() + PATIENCE
        while (execution := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{arn} still runs after {PATIENCE} s")
            time.sleep(0.3)
        if execution["status"] != "SUCCEEDED":
            raise RunFailed(f"{arn}: {execution.get('error')}: {execution.get('cause')}")
        return dict(json.loads(execution["output"]))

    def revenue(self) -> dict[str, Decimal]:
        """The revenue of each day in Athena; none before the first run."""
        tables = self._stack.client("glue").get_tables(DatabaseName=self._outputs["Database"])["TableList"]
        if "orders" not in {table["Name"] for table in tables}:
            return {}
        query = "SELECT order_date, sum(amount) FROM orders WHERE status <> 'cancelled' GROUP BY order_date"
        return {day: Decimal(value) for day, value in self._rows(query)}

    def _rows(self, query: str) -> list[list[str]]:
        athena = self._stack.client("athena")
        started = athena.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": self._outputs["Database"]},
            ResultConfiguration={"OutputLocation": f"s3://{self._outputs['LakeBucket']}/query-results/"},
        )
        identity = {"QueryExecutionId": started["QueryExecutionId"]}
        while True:
            status = athena.get_query_execution(**identity)["QueryExecution"]["Status"]
            if status["State"] in ("FAILED", "CANCELLED"):
                raise RunFailed(f"{query}: {status.get('StateChangeReason')}")
            if status["State"] == "SUCCEEDED":
                break
            time.sleep(0.2)
        rows = athena.get_query_results(**identity)["ResultSet"]["Rows"]
        return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows[1:]]

    def revenue_in_postgres(self) -> dict[str, Decimal] | None:
        """The revenue of each day in PostgreSQL; None if the stack has no database."""
        if "PostgresTable" not in self._outputs:
            return None
        database, _, table = self._outputs["PostgresTable"].partition(".")
        answer = self._answered(
            resourceArn=self._outputs["DatabaseClusterArn"],
            secretArn=self._outputs["SecretArn"],
            database=database,
            sql=f"SELECT order_date::text, sum(revenue)::text FROM {table} GROUP BY order_date",  # noqa: S608
        )
        return {day["stringValue"]: Decimal(value["stringValue"]) for day, value in answer["records"]}

    def _answered(self, **statement: str) -> dict[str, Any]:
        """The answer of the database, which may have paused since the load."""
        rds, deadline = self._stack.client("rds-data"), time.monotonic() + RESUMING
        while True:
            try:
                return dict(rds.execute_statement(**statement))
            except rds.exceptions.DatabaseResumingException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)


# --- the picture -----------------------------------------------------------------------------------------------------


def files(folder: Path, revenue: dict[str, Decimal]) -> list[str]:
    """Write the revenue per day as a picture and as JSON; return the paths."""
    picture, values = folder / "revenue.svg", folder / "revenue.json"
    picture.write_text(plot(dict(sorted(revenue.items()))), encoding="utf-8")
    values.write_text(json.dumps({day: str(value) for day, value in sorted(revenue.items())}, indent=1) + "\n")
    return [str(each.resolve()) for each in (picture, values)]


def plot(revenue: dict[str, Decimal]) -> str:
    """The revenue per day as bars, in SVG."""
    width, height, left, bottom = 160 * len(revenue) + 120, 340, 90, 290
    highest = max([*revenue.values(), Decimal(1)])
    step = Decimal(10) ** (len(str(int(highest))) - 1)
    step = step if highest / step >= 4 else step / 4
    parts = ['<text x="20" y="28" font-size="17" font-weight="bold">Revenue per day (EUR)</text>']
    line = Decimal(0)
    while line <= highest:
        y = bottom - float(line / highest) * 230
        parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#57606a">{line:,.0f}</text>')
        line += step
    for number, (day, value) in enumerate(revenue.items()):
        tall, x = float(value / highest) * 230, left + 35 + 160 * number
        parts.append(f'<rect x="{x}" y="{bottom - tall:.1f}" width="90" height="{tall:.1f}" fill="#0969da"/>')
        parts.append(f'<text x="{x + 45}" y="{bottom - tall - 7:.1f}" text-anchor="middle">{value:,.2f}</text>')
        parts.append(f'<text x="{x + 45}" y="{bottom + 20}" text-anchor="middle" fill="#57606a">{day}</text>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )
