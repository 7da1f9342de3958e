"""Tags of state machines and activities."""

from collections.abc import Callable, Iterable
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns

_MOST_TAGS = 50

Answer = dict[str, Any]


def read_tags(given: Iterable[dict[str, str]], resource_arn: str) -> dict[str, str]:
    """Tags by key. Raises TooManyTags."""
    tags = {each["key"]: each.get("value", "") for each in given if "key" in each}
    if len(tags) > _MOST_TAGS:
        raise ServiceError("TooManyTags", f"Too many tags for resource: '{resource_arn}'")
    return tags


class Tags:
    """The operations on tags. `find` gives a resource's tags by its ARN, or None; they are changed in place."""

    def __init__(self, find: Callable[[str], dict[str, str] | None]) -> None:
        self._find = find

    def add(self, given: Answer) -> Answer:
        """TagResource."""
        arn = given["resourceArn"]
        tags = self._get(arn)
        tags.update(read_tags([*_listed(tags), *given["tags"]], arn))
        return {}

    def remove(self, given: Answer) -> Answer:
        """UntagResource."""
        tags = self._get(given["resourceArn"])
        for key in given["tagKeys"]:
            tags.pop(key, None)
        return {}

    def list(self, given: Answer) -> Answer:
        """ListTagsForResource."""
        return {"tags": _listed(self._get(given["resourceArn"]))}

    def _get(self, arn: str) -> dict[str, str]:
        arns.check(arn, arns.MACHINE, arns.ACTIVITY)
        tags = self._find(arn)
        if tags is None:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return tags


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in list(tags.items())]
