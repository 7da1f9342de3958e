"""IAM judges requests to the catalog by the catalog, the database and the table."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import Cloud

CATALOG = "arn:aws:glue:us-east-1:000000000000"
NEEDED = {f"{CATALOG}:catalog", f"{CATALOG}:database/shop", f"{CATALOG}:table/shop/orders"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        glue = running.client("glue")
        glue.create_database(DatabaseInput={"Name": "shop"})
        for name in ("orders", "customers"):
            glue.create_table(DatabaseName="shop", TableInput={"Name": name})
        yield running


def client(cloud: Cloud, actions: list[str], resources: set[str]) -> Any:
    """Glue with the keys of a user who may do these on those."""
    iam, name = cloud.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": sorted(resources)}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "glue",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_a_table_needs_three_permissions(cloud: Cloud) -> None:
    allowed = client(cloud, ["glue:GetTable"], NEEDED)
    assert allowed.get_table(DatabaseName="shop", Name="orders")["Table"]["Name"] == "orders"
    with pytest.raises(ClientError, match="table/shop/customers"):
        allowed.get_table(DatabaseName="shop", Name="customers")
    with pytest.raises(ClientError, match="glue:UpdateTable"):
        allowed.update_table(DatabaseName="shop", TableInput={"Name": "orders"})


@pytest.mark.parametrize("missing", sorted(NEEDED))
@pytest.mark.parametrize("action", ["GetTable", "UpdateTable", "CreateTable"])
def test_each_of_them_is_needed(cloud: Cloud, action: str, missing: str) -> None:
    glue = client(cloud, [f"glue:{action}"], NEEDED - {missing})
    calls = {
        "GetTable": lambda: glue.get_table(DatabaseName="shop", Name="orders"),
        "UpdateTable": lambda: glue.update_table(DatabaseName="shop", TableInput={"Name": "orders"}),
        "CreateTable": lambda: glue.create_table(DatabaseName="shop", TableInput={"Name": "orders"}),
    }
    with pytest.raises(ClientError, match=f"not authorized to perform: glue:{action} on resource: {missing} ") as error:
        calls[action]()
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"


def test_databases_and_jobs(cloud: Cloud) -> None:
    glue = client(cloud, ["glue:GetDatabase", "glue:GetJob"], {*NEEDED, f"{CATALOG}:job/etl"})
    assert glue.get_database(Name="shop")["Database"]["Name"] == "shop"
    with pytest.raises(ClientError, match=r"not authorized to perform: glue:GetDatabase on resource: .*database/other"):
        glue.get_database(Name="other")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_job(JobName="etl")
    with pytest.raises(ClientError, match=r"not authorized to perform: glue:GetJob on resource: .*job/other"):
        glue.get_job(JobName="other")
