"""boto3 clients whose credentials change, so that the calls of many principals need one client for each service."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

from blueprints.local.cloud import ACCOUNT, REGION, Cloud

TRUST = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


class SwitchedClients:
    """Clients of one principal at a time."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._sts = cloud.client("sts")
        self._credentials = Credentials("none", "none")
        self._session = boto3.Session(region_name=REGION)
        self._session._session._credentials = self._credentials  # type: ignore[attr-defined]
        self._clients: dict[str, Any] = {}

    def assume(self, role: str) -> None:
        """Make the following calls with the credentials of a role, by its name."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        session = self._sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        self._credentials.access_key = session["AccessKeyId"]
        self._credentials.secret_key = session["SecretAccessKey"]
        self._credentials.token = session["SessionToken"]

    def client(self, service: str) -> Any:
        """A client of the present principal."""
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, proxies={}, inject_host_prefix=False)
            self._clients[service] = self._session.client(service, endpoint_url=self._cloud.endpoint, config=config)
        return self._clients[service]


def role_resource(name: str, policy: dict[str, Any]) -> dict[str, Any]:
    """A CloudFormation resource: a role of the account with one policy."""
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": name,
            "AssumeRolePolicyDocument": document(TRUST),
            "Policies": [{"PolicyName": "granted", "PolicyDocument": policy}],
        },
    }


def filled(value: Any, names: dict[str, Any]) -> Any:
    """Arguments with `{name}` replaced in every text, also in the keys of objects."""
    if isinstance(value, dict):
        return {filled(key, names): filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    if isinstance(value, str):
        for name, given in names.items():
            if value == f"{{{name}}}":
                return given
            value = value.replace(f"{{{name}}}", str(given))
    return value
