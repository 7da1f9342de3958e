"""Changes of items, of kinds that are handled differently."""

from dataclasses import dataclass

# "odd": jsonb cannot hold the item; "huge": PostgreSQL refuses it; "unwelcome": the receiver refuses it; "differs": one
# version of the functions rejects it; "fails": one version fails at it; "malformed": it is not a stream record.
KINDS = ("put",) * 8 + ("delete",) * 3 + ("expire", "odd", "huge", "unwelcome", "differs", "fails", "malformed")


@dataclass(frozen=True)
class Change:
    """One change of one item; `place`, the stream's label and the sequence number, orders the changes of a key."""

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
    """Change an item of the table in the given way."""
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
