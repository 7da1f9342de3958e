"""Rows of the replica as tests compare them."""

import json
from decimal import Decimal


def stored(data_api, schema):
    """All rows: state and item by name, with exact numbers."""
    answer = data_api.execute_statement(f"SELECT key::text, state, item::text FROM {schema}.items", [])
    rows = {}
    for key, state, item in ([next(iter(field.values())) for field in record] for record in answer["records"]):
        content = None if item is True else json.loads(item, parse_float=Decimal, parse_int=Decimal)
        rows[json.loads(key)["pk"]] = (state, content)
    return rows


def shown(name, **attributes):
    return "present", {"pk": name, "sk": "order", **attributes}
