"""Changes of a table's items, of kinds that fare differently."""

from dataclasses import dataclass

# What is done to an item. "odd": PostgreSQL can't hold it; "huge": it refuses it; "unwelcome": the receiver refuses it;
# "differs": one version of the functions can't take it; "fails": one fails at it; "malformed": the record is none.
KINDS = ("put",) * 8 + ("delete",) * 3 + ("expire", "odd", "huge", "unwelcome", "differs", "fails", "malformed")


@dataclass(frozen=True)
class Change:
    """One change of one item; `place`, the stream's label and the number, orders those of a key."""

    name: str
    kind: str
    record: dict
    id: str
    number: str
    place: tuple

    @classmethod
    def of(cls, name, kind, record):
        number = record["dynamodb"]["SequenceNumber"]
        label = record["eventSourceARN"].partition("/stream/")[2]
        return cls(name, kind, record, record["eventID"], number, (label, int(number)))


def made(table, name, kind, number):
    """Make a change of a kind in the table."""
    if kind in ("delete", "expire") and name in table.items:
        return Change.of(name, kind, getattr(table, kind)(name))
    attributes = {
        "odd": {"note": {"S": "before\0after"}},
        "huge": {"size": {"N": "1E+200000"}},
    }.get(kind, {"note": {"S": kind}})
    record = table.put(name, n={"N": str(number)}, **attributes)
    if kind == "malformed":
        return Change.of(name, kind, {**record, "eventName": "GUESS"})
    return Change.of(name, "put" if kind in ("delete", "expire") else kind, record)
