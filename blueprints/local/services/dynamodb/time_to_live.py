"""Deletes expired items of tables with a TTL, and puts the service's own deletes into the table's stream.

The base emulator deletes them once a minute without a stream record, also those whose TTL lies too far back to count,
and forgets the TTL a template gives a table.
Sources: Amazon DynamoDB Developer Guide, "DynamoDB Streams and Time to Live" and "Using time to live (TTL)".
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import IncompatibleEmulator, Internal
from blueprints.local.base.properties import is_true
from blueprints.local.base.resource_types import wrap
from blueprints.local.services.dynamodb.metrics import record_expired_item

SETTINGS = Internal("services.dynamodb", "_ttl_settings")
TABLES = Internal("services.dynamodb", "_tables")
LOCK = Internal("services.dynamodb", "_lock")
REMOVE = Internal("services.dynamodb", "_remove_item", ("table", "pk_val", "sk_val"))
EMIT = Internal(
    "services.dynamodb", "_emit_stream_event", ("table_name", "event_name", "old_item", "new_item", "replicate")
)
RECORD = Internal(
    "services.dynamodb", "_build_change_record", ("table", "event_name", "old_item", "new_item", "view_type")
)
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
STOCK_REAPER = Internal("services.dynamodb", "_ttl_reaper", ())

_BY_THE_SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_SECONDS_BETWEEN_LOOKS = 30.0
_LEAST_SECONDS = 0.25
# DynamoDB ignores a TTL of more than five years ago: 0, or a time in another unit, deletes nothing.
_FURTHEST_BACK_SECONDS = 5 * 365 * 24 * 3600
_STOCK_THREAD = "dynamodb-ttl-reaper"

_expiring = threading.local()


def install(clock: Clock) -> None:
    """Delete expired items from now on, twice a minute by the clock."""
    _stop_the_stock_reaper()
    build = RECORD.current()

    def build_record(*args: Any, **kwargs: Any) -> dict[str, Any]:
        record: dict[str, Any] = build(*args, **kwargs)
        return {**record, "userIdentity": _BY_THE_SERVICE} if getattr(_expiring, "now", False) else record

    RECORD.replace(build_record)
    wrap(
        "AWS::DynamoDB::Table",
        create=lambda create: _remembering(create, properties=1),
        update=lambda update: _remembering(update, properties=2),
        delete=_forgetting,
    )
    clock.every(_SECONDS_BETWEEN_LOOKS, _expire_by_the_service, at_least=_LEAST_SECONDS)


def _stop_the_stock_reaper() -> None:
    """Keep the base emulator's thread from deleting items: it starts at import and cannot be stopped."""
    stock = [thread.ident for thread in threading.enumerate() if thread.name == _STOCK_THREAD]
    if len(stock) != 1:
        raise IncompatibleEmulator(f"ministack starts {len(stock)} threads named {_STOCK_THREAD}, not 1")
    remove_item: Callable[..., Any] = REMOVE.current()

    def remove_unless_stock(table: dict[str, Any], pk_val: str, sk_val: str) -> Any:
        return None if threading.get_ident() == stock[0] else remove_item(table, pk_val, sk_val)

    REMOVE.replace(remove_unless_stock)


def _remembering(provision: Callable[..., Any], properties: int) -> Callable[..., Any]:
    """Wrap a handler so that it sets the TTL of the properties, its argument of that number."""

    def remembering(*args: Any, **kwargs: Any) -> object:
        table_name, attributes = provision(*args, **kwargs)
        specification = args[properties].get("TimeToLiveSpecification")
        if not specification:
            SETTINGS.current().pop(table_name, None)  # also when the template gave one before
        else:
            status = "ENABLED" if is_true(specification.get("Enabled")) else "DISABLED"
            attribute = specification.get("AttributeName", "")
            SETTINGS.current()[table_name] = {"TimeToLiveStatus": status, "AttributeName": attribute}
        return table_name, attributes

    return remembering


def _forgetting(delete: Callable[..., None]) -> Callable[..., None]:
    """Wrap a handler so that a later table of the same name has no TTL."""

    def forgetting(table_name: str, props: dict[str, Any]) -> None:
        delete(table_name, props)
        SETTINGS.current().pop(table_name, None)

    return forgetting


def _expire_by_the_service() -> None:
    """Mark what this thread deletes as the service's own deletions."""
    _expiring.now = True
    try:
        _expire(time.time())
    finally:
        _expiring.now = False


def _expire(now: float) -> None:
    with LOCK.current():
        for (account, region, name), setting in SETTINGS.current().all_items():
            table = TABLES.current().get_scoped(account, region, name)
            if table and setting.get("TimeToLiveStatus") == "ENABLED":
                with SCOPE.current()(account, region):
                    _expire_items(name, table, str(setting.get("AttributeName")), now)


def _expire_items(table_name: str, table: dict[str, Any], attribute: str, now: float) -> None:
    for partition, items in list(table["items"].items()):
        for sort, item in list(items.items()):
            expires = (item.get(attribute) or {}).get("N")
            if expires is not None and now - _FURTHEST_BACK_SECONDS <= float(expires) <= now:
                EMIT.current()(table_name, "REMOVE", REMOVE.current()(table, partition, sort), None)
                record_expired_item(table_name)
