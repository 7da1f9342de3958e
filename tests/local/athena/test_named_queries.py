"""AWS::Athena::NamedQuery: named queries of templates."""

import json
from collections.abc import Iterator

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        yield running


def deployed(cloud: Cloud, **properties: str) -> str:
    """The id of a template's named query."""
    query = {"Type": "AWS::Athena::NamedQuery", "Properties": properties}
    template = {"Resources": {"Query": query}, "Outputs": {"Id": {"Value": {"Ref": "Query"}}}}
    return deploy(cloud, "named-query", json.dumps(template)).outputs["Id"]


def test_an_update_replaces_the_query(cloud: Cloud) -> None:
    athena = cloud.client("athena")
    first = deployed(cloud, Database="lake", QueryString="SELECT 1")
    assert athena.get_named_query(NamedQueryId=first)["NamedQuery"]["QueryString"] == "SELECT 1"
    second = deployed(cloud, Database="lake", QueryString="SELECT 2", Description="two")
    assert athena.get_named_query(NamedQueryId=second)["NamedQuery"]["Description"] == "two"
    assert athena.list_named_queries()["NamedQueryIds"] == [second]


def test_a_query_without_text_is_refused(cloud: Cloud) -> None:
    with pytest.raises(BlueprintError, match="QueryString"):
        deployed(cloud, Database="lake")
