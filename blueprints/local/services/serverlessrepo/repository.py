"""The embedded Serverless Application Repository: SAR's REST API and its checks.

Publishing copies the content of a version: afterwards an application does not need its artifact bucket.
The parts:

    model             what botocore's model of the service says of its fields, in words too
    authorisation     what IAM lets a caller do
    protocol          requests understood, answers and errors in that model's shapes
    store             applications and their content, in a folder
    metadata          the forms and limits of an application's fields
    templates         which templates are taken, their parameters and capabilities
    artifacts         the S3 objects of a version, read only where their bucket's policy lets SAR
    sharing           who may use an application
    deployments       change sets and templates made out of a version
    nested            published applications as parts of other stacks
    endpoint          all of it in front of the embedded AWS

What AWS has written down nowhere a program can read it - which types and transforms are refused, the blocked grants,
the sizes of templates and artifacts, the licences - is the publisher's knowledge (`blueprints.publish`), here too.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.protocol import Request, Response, ServiceError
from blueprints.local.services.serverlessrepo import artifacts, metadata, model, sharing
from blueprints.local.services.serverlessrepo.artifacts import Objects
from blueprints.local.services.serverlessrepo.model import API
from blueprints.local.services.serverlessrepo.store import Store
from blueprints.local.services.serverlessrepo.templates import judged
from blueprints.sar_rules.limits import ARTIFACT_BYTES
from blueprints.sar_rules.versions import order

_PAGE = 100


class EmbeddedRepository:
    """The operations that publish, show and share; each takes the caller's account and the model's parameters."""

    def __init__(
        self, store: Store, objects: Objects, region: str, url_of: Callable[[str], str] = "memory:{}".format
    ) -> None:
        """`url_of` makes the URL of kept content by its digest."""
        self.store = store
        self._objects = objects
        self._region = region
        self._url_of = url_of
        self._operations: dict[str, Callable[[str, dict[str, Any]], dict[str, Any] | None]] = {
            "CreateApplication": self.create_application,
            "CreateApplicationVersion": self.create_application_version,
            "DeleteApplication": self.delete_application,
            "GetApplication": self.get_application,
            "GetApplicationPolicy": self.get_application_policy,
            "ListApplicationDependencies": self.list_application_dependencies,
            "ListApplicationVersions": self.list_application_versions,
            "ListApplications": self.list_applications,
            "PutApplicationPolicy": self.put_application_policy,
            "UnshareApplication": self.unshare_application,
            "UpdateApplication": self.update_application,
        }

    def add(self, operation: str, does: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        """Add an operation that another class implements."""
        self._operations[operation] = does

    def answer(
        self,
        account: str,
        request: Request,
        authorise: Callable[[str, str | None], None] = lambda *_: None,
    ) -> Response:
        """Answer one request of an account; `authorise` raises ServiceError for an operation on an application."""
        try:
            call = API.read(request)
            authorise(call.operation, call.parameters.get("ApplicationId"))
            result = self._operations[call.operation](account, call.parameters)
            return API.answer(call.operation, result)
        except ServiceError as error:
            return API.refuse(error)
        except BlueprintError as error:  # the installation lacks something; the message says what
            return API.refuse(ServiceError("InternalServerErrorException", str(error)))

    def create_application(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """A new application; with SemanticVersion and a template its first version too."""
        metadata.check(given)
        arn = f"arn:aws:serverlessrepo:{self._region}:{account}:applications/{given['Name']}"
        version = self._version(account, given) if _has_template(given) else None
        if version is not None and "SemanticVersion" not in given:
            raise ServiceError("BadRequestException", "A template needs a SemanticVersion")
        licence = self._text(account, given, "License")
        readme = self._text(account, given, "Readme")
        with self.store.changing() as applications:
            if arn in applications:
                raise ServiceError("ConflictException", f"Application with id {arn} already exists")
            applications[arn] = {
                **{name: given[name] for name in metadata.KEPT if name in given},
                "Account": account,
                "License": licence,
                "Readme": readme,
                "CreationTime": _now(),
                "Versions": {given["SemanticVersion"]: version} if version else {},
                "Statements": [],
            }
        return self._described(arn, given.get("SemanticVersion"))

    def create_application_version(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """Create a version; an existing version never changes."""
        arn, semantic_version = given["ApplicationId"], given["SemanticVersion"]
        self._own(account, arn)
        metadata.check(given)
        if not _has_template(given):
            raise ServiceError("BadRequestException", "A version needs a TemplateBody or a TemplateUrl")
        version = self._version(account, given)
        with self.store.changing() as applications:
            versions = applications[arn]["Versions"]
            if semantic_version in versions:
                raise ServiceError(
                    "ConflictException", f"Version {semantic_version} of application with id {arn} already exists"
                )
            versions[semantic_version] = version
        return self._version_of(arn, semantic_version)

    def update_application(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """Change the author, description, home page, labels or readme."""
        arn = given["ApplicationId"]
        self._own(account, arn)
        metadata.check(given)
        readme = self._text(account, given, "Readme")
        with self.store.changing() as applications:
            application = applications[arn]
            application |= {name: given[name] for name in metadata.CHANGEABLE if name in given}
            if readme:
                application["Readme"] = readme
        return self._described(arn, None)

    def delete_application(self, account: str, given: dict[str, Any]) -> None:
        """Forget an application with all its versions."""
        self._own(account, given["ApplicationId"])
        with self.store.changing() as applications:
            applications.pop(given["ApplicationId"], None)

    def get_application(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """An application, with the named version or its highest."""
        arn = given["ApplicationId"]
        application = self.permitted(account, arn, "GetApplication")
        wanted = given.get("SemanticVersion") or _highest(application)
        if wanted is not None and wanted not in application["Versions"]:
            raise ServiceError("NotFoundException", f"Version {wanted} of application with id {arn} doesn't exist")
        return self._described(arn, wanted)

    def list_applications(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """The caller's own applications, a page at a time."""
        own = sorted(arn for arn, each in self.store.applications.items() if each["Account"] == account)
        return _page("Applications", [{**self._described(arn, None), "Version": None} for arn in own], given)

    def list_application_versions(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """Every version of an application, the lowest first."""
        arn = given["ApplicationId"]
        application = self.permitted(account, arn, "ListApplicationVersions")
        return _page(
            "Versions", [self._version_of(arn, each) for each in sorted(application["Versions"], key=order)], given
        )

    def list_application_dependencies(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """The applications that a version nests."""
        application = self.permitted(account, given["ApplicationId"], "ListApplicationDependencies")
        wanted = given.get("SemanticVersion") or _highest(application)
        if wanted not in application["Versions"]:
            raise ServiceError("NotFoundException", f"Version {wanted} doesn't exist")
        return _page("Dependencies", application["Versions"][wanted]["Dependencies"], given)

    def get_application_policy(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """Who may use an application."""
        return {"Statements": self._own(account, given["ApplicationId"])["Statements"]}

    def put_application_policy(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """Replace all statements of an application's policy."""
        arn = given["ApplicationId"]
        statements = sharing.checked(given["Statements"], self._own(account, arn))
        with self.store.changing() as applications:
            applications[arn]["Statements"] = statements
        return {"Statements": statements}

    def unshare_application(self, account: str, given: dict[str, Any]) -> None:
        """Take an application from an organization."""
        arn, organization = given["ApplicationId"], given["OrganizationId"]
        self._own(account, arn)
        with self.store.changing() as applications:
            statements = applications[arn]["Statements"]
            applications[arn]["Statements"] = [
                each for each in statements if organization not in each["PrincipalOrgIDs"]
            ]

    def permitted(self, account: str, arn: str, action: str) -> dict[str, Any]:
        """An application, if the caller may use this operation on it."""
        application = self.store.applications.get(arn)
        if application is None and arn.split(":")[4:5] == [account]:
            raise ServiceError("NotFoundException", f"Application with id {arn} doesn't exist")
        if application is None or not sharing.allows(application, account, action):
            raise ServiceError(
                "ForbiddenException", f"{account} is not authorized to perform serverlessrepo:{action} on {arn}"
            )
        return application

    def _own(self, account: str, arn: str) -> dict[str, Any]:
        application = self.permitted(account, arn, "Own")
        if application["Account"] != account:
            raise ServiceError("ForbiddenException", f"Application with id {arn} belongs to another account")
        return application

    def _version(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        """Check a version's content, and copy it from its artifact bucket."""
        content = self._content(account, given, "Template")
        assert content is not None
        read = judged(self.store.path(self.store.put(content)))
        copies: dict[str, str] = {}
        total = 0
        for _, _, bucket, key in artifacts.locations(read.template.section("Resources")):
            if f"{bucket}/{key}" not in copies:
                data = self._objects.read(bucket, key, account)
                total += len(data)
                copies[f"{bucket}/{key}"] = self.store.put(data)
        if total > ARTIFACT_BYTES:
            raise ServiceError("BadRequestException", f"The artifacts have {total} bytes, more than {ARTIFACT_BYTES}")
        return {
            "Template": self.store.put(json.dumps(read.template.body).encode()),
            "Artifacts": copies,
            "ParameterDefinitions": read.parameters,
            "RequiredCapabilities": read.capabilities,
            "Dependencies": read.dependencies,
            "CreationTime": _now(),
            **{name: given[name] for name in ("SourceCodeUrl", "SourceCodeArchiveUrl") if name in given},
        }

    def _text(self, account: str, given: dict[str, Any], name: str) -> str | None:
        content = self._content(account, given, name)
        largest = model.largest_text(f"{name}Body")
        if content is not None and len(content) > largest:
            raise ServiceError("BadRequestException", f"{name} has {len(content)} bytes, more than {largest}")
        return self.store.put(content) if content is not None else None

    def _content(self, account: str, given: dict[str, Any], name: str) -> bytes | None:
        body, url = given.get(f"{name}Body"), given.get(f"{name}Url")
        if body is not None and url is not None:
            raise ServiceError("BadRequestException", f"Only one of {name}Body and {name}Url can be given")
        if body is not None:
            return str(body).encode()
        return self._objects.read(*artifacts.place_of(url), account) if url is not None else None

    def _described(self, arn: str, version: str | None) -> dict[str, Any]:
        application = self.store.applications[arn]
        urls = {f"{name}Url": self._url_of(application[name]) for name in ("License", "Readme") if application[name]}
        return {
            **{name: application[name] for name in metadata.KEPT if name in application},
            **urls,
            "ApplicationId": arn,
            "CreationTime": application["CreationTime"],
            "IsVerifiedAuthor": False,
            "Version": self._version_of(arn, version) if version else None,
        }

    def _version_of(self, arn: str, semantic_version: str) -> dict[str, Any]:
        version = self.store.applications[arn]["Versions"][semantic_version]
        return {
            **version,
            "ApplicationId": arn,
            "SemanticVersion": semantic_version,
            "ResourcesSupported": True,
            "TemplateUrl": self._url_of(version["Template"]),
        }


def _has_template(given: dict[str, Any]) -> bool:
    return "TemplateBody" in given or "TemplateUrl" in given


def _highest(application: dict[str, Any]) -> str | None:
    return max(application["Versions"], key=order, default=None)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _page(name: str, items: list[Any], given: dict[str, Any]) -> dict[str, Any]:
    begin, size = int(given.get("NextToken") or 0), int(given.get("MaxItems") or _PAGE)
    end = begin + size
    return {name: items[begin:end], **({"NextToken": str(end)} if end < len(items) else {})}
