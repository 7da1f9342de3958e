"""Plays cases of what IAM says of calls; `cases/README.md` describes them."""

import json
import re
import tomllib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from blueprints.local.cloud import ACCOUNT, Cloud
from tests.local.building import zipped
from tests.local.resources import client_settings

CASES = Path(__file__).parent / "cases"
FIELDS = {"name", "policy", "version", "principal", "before", "call", "with", "verdict", "action", "error", "source"}
DENIALS = re.compile(
    r"AccessDenied|AccessDeniedException|AuthorizationError|.*AccessDenied.*|UnauthorizedOperation|403"
)
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")
_TRUST = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}

_NOTHING = {"Action": "sts:GetCallerIdentity"}
"""Nobody is refused it, so a statement about it grants nothing."""


def load(file: Path) -> dict[str, Any]:
    """A file of cases."""
    return tomllib.loads(file.read_text())


@dataclass
class Player:
    """Plays the cases of one file in an embedded AWS."""

    cloud: Cloud
    file: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values |= {"id": uuid.uuid4().hex[:8], "account": ACCOUNT}
        self._principals: dict[str, _Principal] = {}
        self._owner = _Clients(client_settings(self.cloud))
        for call in self.file.get("setup", ()):
            self._make(call)

    def mismatch(self, case: dict[str, Any]) -> str | None:
        """How the outcome of a case differs from its verdict, or None."""
        for call in case.get("before", ()):
            self._make(call)
        caller = self._principal(case.get("principal", "role"))
        statements = self._filled(case["policy"]) or [_NOTHING]
        caller.give(policy_document(statements, case.get("version", "2012-10-17")))
        try:
            caller.clients.call(case["call"], self._parameters(case.get("with", {})))
        except ClientError as error:
            return _wrong_error(case, error)
        expected = case["verdict"] != "allowed" or "error" in case
        return f"succeeded, not {case.get('error', 'denied')}" if expected else None

    def _make(self, call: dict[str, Any]) -> None:
        answer = self._owner.call(call["call"], self._parameters(call.get("with", {})))
        for name, path in call.get("save", {}).items():
            found: Any = answer
            for part in path.split("."):
                found = found[int(part)] if part.isdigit() else found[part]
            self.values[name] = found

    def _principal(self, name: str) -> "_Principal":
        if name not in self._principals:
            given = self._filled(self.file.get("principals", {}).get(name, {"kind": "role"}))
            self._principals[name] = _Principal(self.cloud, self._owner, f"{name}-{self.values['id']}", given)
        return self._principals[name]

    def _parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        return {name: _sent(name, value) for name, value in self._filled(given).items()}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda found: str(self.values[found[1]]), value)
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if isinstance(value, dict):
            return {self._filled(name): self._filled(each) for name, each in value.items()}
        return value


class _Clients:
    def __init__(self, settings: dict[str, Any]) -> None:
        self._session, self._settings = boto3.Session(), settings
        self._clients: dict[str, Any] = {}

    def call(self, name: str, parameters: dict[str, Any]) -> Any:
        service, operation = name.split(".")
        if service not in self._clients:
            self._clients[service] = self._session.client(service, **self._settings)
        return getattr(self._clients[service], operation)(**parameters)


class _Principal:
    """A role that was taken, or a user, whose policy changes with each case."""

    def __init__(self, cloud: Cloud, owner: _Clients, name: str, given: dict[str, Any]) -> None:
        self._owner, self._name, self._kind = owner, name, given["kind"]
        tags = _tags(given.get("tags", {}))
        make = {"Path": given.get("path", "/"), "Tags": tags}
        if "boundary" in given:
            boundary = {"PolicyName": f"{name}-boundary", "PolicyDocument": policy_document(given["boundary"])}
            make["PermissionsBoundary"] = owner.call("iam.create_policy", boundary)["Policy"]["Arn"]
        if self._kind == "user":
            owner.call("iam.create_user", {"UserName": name, **make})
            key = owner.call("iam.create_access_key", {"UserName": name})["AccessKey"]
        else:
            trust = policy_document([_TRUST])
            role = owner.call("iam.create_role", {"RoleName": name, "AssumeRolePolicyDocument": trust, **make})["Role"]
            take = {"RoleArn": role["Arn"], "RoleSessionName": given.get("session_name", "case")}
            if "session_policy" in given:
                take["Policy"] = policy_document(given["session_policy"])
            if "session_tags" in given:
                take["Tags"] = _tags(given["session_tags"])
            key = owner.call("sts.assume_role", take)["Credentials"]
        keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        if "SessionToken" in key:
            keys["aws_session_token"] = key["SessionToken"]
        self.clients = _Clients(client_settings(cloud) | keys)

    def give(self, policy: str) -> None:
        """Replace its policy."""
        name = {f"{self._kind.title()}Name": self._name}
        self._owner.call(f"iam.put_{self._kind}_policy", {**name, "PolicyName": "case", "PolicyDocument": policy})


def policy_document(statements: list[dict[str, Any]], version: str = "2012-10-17") -> str:
    """A policy as JSON; a statement without Effect allows, one without a resource is about all."""
    filled = [
        {"Effect": "Allow", **({} if {"Resource", "NotResource", "Principal"} & each.keys() else {"Resource": "*"})}
        | each
        for each in statements
    ]
    return json.dumps({"Version": version, "Statement": filled})


def _tags(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


def _sent(name: str, value: Any) -> Any:
    """A parameter as boto3 takes it."""
    if isinstance(value, dict):
        if name.endswith(("Policy", "Document")):
            return json.dumps(value)
        return {inner: _sent(inner, each) for inner, each in value.items()}
    if isinstance(value, list):
        return [_sent(name, each) for each in value]
    if name == "ZipFile":
        return zipped(**{"index.py": value})
    return value.encode() if name in ("Data", "Blob", "Plaintext") and isinstance(value, str) else value


def _wrong_error(case: dict[str, Any], error: ClientError) -> str | None:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    is_denial = DENIALS.fullmatch(code) is not None
    if case["verdict"] == "allowed":
        return None if not is_denial and code == case.get("error") else f"{code}: {message}"
    if not is_denial:
        return f"{code}, no denial: {message}"
    named = case.get("action")
    is_named = named is None or code == "403" or f"perform: {named} " in f"{message} "
    return None if is_named else f"does not name {named}: {message}"
