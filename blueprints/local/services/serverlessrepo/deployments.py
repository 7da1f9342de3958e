"""Deploys applications: creates change sets and templates, as SAR does."""

import copy
import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.serverlessrepo import artifacts, model
from blueprints.local.services.serverlessrepo.repository import EmbeddedRepository
from blueprints.sar_rules.versions import order

PREFIX = "serverlessrepo-"
"""What a stack's name begins with."""

_BUCKET = "awsserverlessrepo-changesets-{}"
# Roles from SAM's policy templates need no acknowledgement; for the rest SAR has required it before.
_ACKNOWLEDGED = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_SAME_NAME = ("Description", "ResourceTypes", "RollbackConfiguration")
_EXPIRES = timedelta(hours=6)


@dataclass(frozen=True)
class _Content:
    """The content of a version: its template, and its artifacts by digest."""

    template: bytes
    artifacts: tuple[str, ...]


class Deployments:
    """CreateCloudFormationChangeSet, CreateCloudFormationTemplate and GetCloudFormationTemplate."""

    def __init__(self, repository: EmbeddedRepository, client_of: Callable[[str, str], Any], endpoint: str) -> None:
        """`client_of` makes a client of a service for an account."""
        self._repository = repository
        self._client_of = client_of
        self._endpoint = endpoint
        self._templates: dict[str, dict[str, Any]] = {}
        self._promises: dict[str, _Content] = {}
        self._placing = threading.Lock()
        repository.add("CreateCloudFormationChangeSet", self.create_change_set)
        repository.add("CreateCloudFormationTemplate", self.create_template)
        repository.add("GetCloudFormationTemplate", self.get_template)

    def create_change_set(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """A change set in the caller's account, for a new or an existing stack."""
        arn = given["ApplicationId"]
        application = self._repository.permitted(account, arn, "CreateCloudFormationChangeSet")
        semantic_version = self._wanted(application, given)
        version = application["Versions"][semantic_version]
        acknowledged = set(given.get("Capabilities") or [])
        unknown = sorted(acknowledged - model.capabilities())
        if unknown:
            raise ServiceError("BadRequestException", f"Unknown capabilities : [{', '.join(unknown)}]")
        lacking = sorted(set(version["RequiredCapabilities"]) - acknowledged)
        if lacking:
            raise ServiceError("BadRequestException", f"Requires capabilities : [{', '.join(lacking)}]")
        url = self._promised(account, arn, semantic_version)
        self.place(account, url)
        cloudformation = self._client_of("cloudformation", account)
        name = PREFIX + given["StackName"]
        request = {
            **{key: given[key] for key in _SAME_NAME if key in given},
            "StackName": name,
            "ChangeSetName": given.get("ChangeSetName") or f"a{uuid.uuid4()}",
            "ChangeSetType": "UPDATE" if _stands(cloudformation, name) else "CREATE",
            "TemplateURL": url,
            "Capabilities": _ACKNOWLEDGED,
            "Parameters": [
                {"ParameterKey": each["Name"], "ParameterValue": each["Value"]}
                for each in given.get("ParameterOverrides") or []
            ],
            "Tags": [
                *(given.get("Tags") or []),
                {"Key": "serverlessrepo:applicationId", "Value": arn},
                {"Key": "serverlessrepo:semanticVersion", "Value": semantic_version},
            ],
            "NotificationARNs": given.get("NotificationArns") or [],
        }
        try:
            made = cloudformation.create_change_set(**request)
        except ClientError as error:
            raise ServiceError("BadRequestException", str(error.response["Error"]["Message"])) from error
        return {
            "ApplicationId": arn,
            "ChangeSetId": made["Id"],
            "SemanticVersion": semantic_version,
            "StackId": made["StackId"],
        }

    def create_template(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """A template that CloudFormation can nest, for six hours."""
        made = self.promise_template(account, given)
        self.place(account, made["TemplateUrl"])
        return made

    def promise_template(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """The URL of a template; `place` puts its content there before it is read."""
        arn = given["ApplicationId"]
        application = self._repository.permitted(account, arn, "CreateCloudFormationTemplate")
        semantic_version = self._wanted(application, given)
        now = datetime.now(UTC)
        made = {
            "ApplicationId": arn,
            "SemanticVersion": semantic_version,
            "TemplateId": str(uuid.uuid4()),
            "TemplateUrl": self._promised(account, arn, semantic_version),
            "CreationTime": now.isoformat(),
            "ExpirationTime": (now + _EXPIRES).isoformat(),
            "Status": "PREPARING",
        }
        self._templates[str(made["TemplateId"])] = {**made, "Status": "ACTIVE", "Account": account}
        return made

    def place(self, account: str, url: str) -> None:
        """Put a version's content at its URL, where CloudFormation of the account reads it; ignores other URLs."""
        content = self._promises.get(url)
        if content is None:
            return
        s3, bucket = self._client_of("s3", account), _BUCKET.format(account)
        with self._placing:
            s3.create_bucket(Bucket=bucket)
            for digest in content.artifacts:
                with self._repository.store.path(digest).open("rb") as file:
                    s3.put_object(Bucket=bucket, Key=digest, Body=file)
            s3.put_object(Bucket=bucket, Key=url.rpartition("/")[2], Body=content.template)

    def get_template(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """GetCloudFormationTemplate."""
        made = self._templates.get(given["TemplateId"])
        if made is None or made["Account"] != account or made["ApplicationId"] != given["ApplicationId"]:
            raise ServiceError("NotFoundException", f"Template with id {given['TemplateId']} doesn't exist")
        expired = datetime.fromisoformat(made["ExpirationTime"]) < datetime.now(UTC)
        return {**made, "Status": "EXPIRED" if expired else made["Status"]}

    def clear(self) -> None:
        """Forget all templates."""
        self._templates.clear()
        self._promises.clear()

    def _wanted(self, application: dict[str, Any], given: dict[str, Any]) -> str:
        made = self._templates.get(given.get("TemplateId") or "")
        wanted = made["SemanticVersion"] if made else given.get("SemanticVersion")
        wanted = wanted or max(application["Versions"], key=order, default=None)
        if wanted not in application["Versions"]:
            raise ServiceError("BadRequestException", f"Application version {wanted} doesn't exist")
        return str(wanted)

    def _promised(self, account: str, arn: str, semantic_version: str) -> str:
        """The URL of a version's template, by its content: its artifacts in the account's own bucket."""
        store, bucket = self._repository.store, _BUCKET.format(account)
        version = store.applications[arn]["Versions"][semantic_version]
        body = copy.deepcopy(json.loads(store.get(version["Template"])))
        digests = []
        for holder, name, source_bucket, source_key in list(artifacts.locations(body.get("Resources", {}))):
            digests.append(version["Artifacts"][f"{source_bucket}/{source_key}"])
            artifacts.relocate(holder, name, bucket, digests[-1])
        template = json.dumps(body).encode()
        url = f"{self._endpoint}/{bucket}/{hashlib.sha256(template).hexdigest()}.template"
        self._promises[url] = _Content(template, tuple(digests))
        return url


def _stands(cloudformation: Any, name: str) -> bool:
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return False
    return bool(stacks[0]["StackStatus"] != "REVIEW_IN_PROGRESS")
