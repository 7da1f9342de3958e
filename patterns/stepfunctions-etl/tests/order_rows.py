"""Orders as CSV, for the tests."""

import csv
import io

from orders import SCHEMA

ORDER = {
    "order_id": "1",
    "ordered_at": "2026-11-28T10:00:00Z",
    "country": "AT",
    "category": "toys",
    "quantity": "2",
    "unit_price": "9.99",
    "weight_kg": "1.5",
    "delivery_days": "3.25",
    "note": "",
}


def orders(count, **changes):
    """Valid orders, numbered from 1; a change is a value, or a function of the number."""
    made = {name: (change if callable(change) else lambda _, value=change: value) for name, change in changes.items()}
    return [
        {**ORDER, "order_id": str(number), **{name: change(number) for name, change in made.items()}}
        for number in range(1, count + 1)
    ]


def as_csv(rows, columns=tuple(SCHEMA.names), line_end="\n", encoding="utf-8"):
    """Rows as the bytes of an object."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator=line_end, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)
