"""A deployed stack as a value, and tags in the two forms that CloudFormation has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """A resource of a deployed stack."""

    logical_id: str
    physical_id: str
    type: str
    """Its CloudFormation type, such as `AWS::S3::Bucket`."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack: its outputs by name, and its resources."""

    name: str
    outputs: dict[str, str]
    resources: tuple[Resource, ...]

    def of_type(self, resource_type: str) -> list[Resource]:
        """Its resources of one CloudFormation type."""
        return [resource for resource in self.resources if resource.type == resource_type]


def outputs_of(described: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a stack as DescribeStacks returns it."""
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a stack or change set as CloudFormation's Describe calls return them."""
    return {each["Key"]: each["Value"] for each in described.get("Tags", [])}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in the form that requests have."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
