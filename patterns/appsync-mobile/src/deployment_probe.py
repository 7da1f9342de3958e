"""What the deployment hooks share: the events of a user who does not exist, and the removal of all that it wrote."""

from typing import Any

from blueprints_shared import deployment_hooks
from blueprints_shared.deployment_hooks import CheckFailed


class ProbeUser:
    """A user who does not exist: calls `function`, an ARN, as AppSync would. Raises CheckFailed.

    User pools never give a `sub` that begins with `_`, so nobody else sees what it writes.
    """

    def __init__(self, functions: Any, function: str, sub: str) -> None:
        self._functions, self._function, self.sub = functions, function, sub

    def ask(self, field: str, **arguments: Any) -> Any:
        """Resolve a field such as `Query.getNote`; returns its value."""
        answer = self.try_to(field, **arguments)
        if "value" not in answer:
            raise CheckFailed(f"{field} was answered with {str(answer)[:300]}")
        return answer["value"]

    def try_to(self, field: str, **arguments: Any) -> dict[str, Any]:
        """Resolve a field; returns `value`, or `error`."""
        parent, name = field.split(".")
        event = {
            "arguments": arguments,
            "identity": {"sub": self.sub, "groups": None},
            "info": {"parentTypeName": parent, "fieldName": name},
        }
        return deployment_hooks.invoke(self._functions, self._function, event)


def remove_records(dynamodb: Any, table: str, sub: str) -> None:
    """Remove all records of the user."""
    audience = {"S": f"user:{sub}"}
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": audience},
        ProjectionExpression="pk, sk",
        ConsistentRead=True,
    )
    for key in found["Items"]:
        dynamodb.delete_item(TableName=table, Key=key)


def check(holds: bool, otherwise: str) -> None:
    """Raise CheckFailed unless `holds`."""
    if not holds:
        raise CheckFailed(otherwise)
