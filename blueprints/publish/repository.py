"""The Serverless Application Repository of an account: its applications, and the calls that change them."""

import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.publish import provenance
from blueprints.publish.application import PROVENANCE
from blueprints.stacks.calls import call
from blueprints.template.reading import load

_FIELDS = ("Author", "Description", "HomePageUrl", "Labels", "SpdxLicenseId")


@dataclass(frozen=True)
class PublishedApplication:
    """An application in the repository, with its highest version."""

    arn: str
    fields: dict[str, Any]
    readme_url: str | None
    licence_url: str | None
    version: str | None
    """The highest version; None if there is none."""
    template_url: str | None
    source_code_url: str | None


class Repository:
    """One account's repository in one Region."""

    def __init__(self, client: Any, fetch: Callable[[str], bytes] | None = None) -> None:
        """`client` is boto3's; `fetch` downloads the content of a URL in the repository's responses."""
        self._client = client
        self._fetch = fetch or _download
        self._names: dict[str, str] | None = None

    @property
    def region(self) -> str:
        """The repository's Region."""
        return str(self._client.meta.region_name)

    def find(self, name: str) -> str | None:
        """The ARN of an application, or None. The account's applications are listed once."""
        if self._names is None:
            self._names = self._list()
        return self._names.get(name)

    def forget(self) -> None:
        """Discard the list of applications, so that `find` lists them again."""
        self._names = None

    def get(self, arn: str) -> PublishedApplication:
        """An application and its highest version, in one request."""
        answer = call(self._client.get_application, "GetApplication", arn, ApplicationId=arn)
        version = answer.get("Version") or {}
        return PublishedApplication(
            arn=arn,
            fields={name: answer[name] for name in _FIELDS if answer.get(name)},
            readme_url=answer.get("ReadmeUrl"),
            licence_url=answer.get("LicenseUrl"),
            version=version.get("SemanticVersion"),
            template_url=version.get("TemplateUrl"),
            source_code_url=version.get("SourceCodeUrl"),
        )

    def versions(self, arn: str) -> list[str]:
        """Every version of an application."""
        pages = self._client.get_paginator("list_application_versions").paginate
        listed: list[str] = call(
            lambda **given: [each["SemanticVersion"] for page in pages(**given) for each in page["Versions"]],
            "ListApplicationVersions",
            arn,
            ApplicationId=arn,
        )
        return listed

    def text(self, url: str | None) -> str | None:
        """The text of a readme or licence."""
        return self._fetch(url).decode() if url else None

    def template(self, published: PublishedApplication) -> dict[str, Any]:
        """The highest version's template."""
        if not published.template_url:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "template.yaml")
            path.write_bytes(self._fetch(published.template_url))
            return load(path).body

    def digest(self, published: PublishedApplication) -> str | None:
        """The digest of the highest version's content; None if other tools published it."""
        found = provenance.digest_in(published.source_code_url)
        if found or not published.version:
            return found
        section = (self.template(published).get("Metadata") or {}).get(PROVENANCE)
        return str(section["Digest"]) if isinstance(section, dict) and "Digest" in section else None

    def statements(self, arn: str) -> list[dict[str, Any]]:
        """The statements of the application's policy: who may deploy it."""
        answer = call(self._client.get_application_policy, "GetApplicationPolicy", arn, ApplicationId=arn)
        return list(answer["Statements"])

    def create(self, request: Mapping[str, Any]) -> str:
        """Call CreateApplication; returns the ARN."""
        answer = call(self._client.create_application, "CreateApplication", request["Name"], **request)
        if self._names is not None:
            self._names[request["Name"]] = answer["ApplicationId"]
        return str(answer["ApplicationId"])

    def add_version(self, arn: str, request: Mapping[str, Any]) -> None:
        """Call CreateApplicationVersion."""
        call(self._client.create_application_version, "CreateApplicationVersion", arn, ApplicationId=arn, **request)

    def update(self, arn: str, request: Mapping[str, Any]) -> None:
        """Call UpdateApplication."""
        call(self._client.update_application, "UpdateApplication", arn, ApplicationId=arn, **request)

    def share(self, arn: str, request: Mapping[str, Any]) -> None:
        """Call PutApplicationPolicy."""
        call(self._client.put_application_policy, "PutApplicationPolicy", arn, ApplicationId=arn, **request)

    def delete(self, arn: str) -> None:
        """Delete an application with all its versions. It is no error if it does not exist."""

        def delete(**arguments: Any) -> None:
            try:
                self._client.delete_application(**arguments)
            except ClientError as error:
                if error.response["Error"].get("Code") != "NotFoundException":
                    raise

        call(delete, "DeleteApplication", arn, ApplicationId=arn)
        self.forget()

    def create_change_set(
        self, arn: str, version: str, stack: str, parameters: Mapping[str, str], tags: Mapping[str, str]
    ) -> tuple[str, str]:
        """Create a change set that deploys a version, with the capabilities that the version requires.

        The console does the same. Returns the ids of the change set and of its stack.
        """
        required = call(
            self._client.get_application, "GetApplication", arn, ApplicationId=arn, SemanticVersion=version
        )["Version"]
        if not required["ResourcesSupported"]:
            raise BlueprintError(
                f"{self.region} does not support every resource of this application.", where=f"{arn} {version}"
            )
        made = call(
            self._client.create_cloud_formation_change_set,
            "CreateCloudFormationChangeSet",
            arn,
            ApplicationId=arn,
            SemanticVersion=version,
            StackName=stack,
            Capabilities=required["RequiredCapabilities"],
            ParameterOverrides=[{"Name": name, "Value": value} for name, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        return made["ChangeSetId"], made["StackId"]

    def _list(self) -> dict[str, str]:
        names: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            answer = call(self._client.list_applications, "ListApplications", "", MaxItems=100, **token)
            names |= {each["Name"]: each["ApplicationId"] for each in answer["Applications"]}
            if not answer.get("NextToken"):
                return names
            token = {"NextToken": answer["NextToken"]}


def _download(url: str) -> bytes:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise BlueprintError(f"The repository returned {url}, which is not an https:// URL.")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the scheme has been checked
            content: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise BlueprintError(f"Downloading {url} failed: {error}") from error
    return content
