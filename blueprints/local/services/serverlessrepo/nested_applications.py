"""Published applications as parts of other stacks: `AWS::Serverless::Application` in the embedded CloudFormation.

As on AWS, SAM's own plugin fetches the application's template from the repository before the SAM transform. It becomes
a nested stack, whose template needs the SAM transform too; the base emulator does not apply it to nested stacks.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.serverlessrepo.deployments import Deployments
from blueprints.template.reading import SAM

_TRANSFORM = ("template", "provided_params", "previous_params")
TRANSFORM = Internal("services.cloudformation.engine", "_apply_transforms", _TRANSFORM)
# Modules that imported the function by name.
CALLERS = (
    Internal("services.cloudformation.handlers", "_apply_transforms", _TRANSFORM),
    Internal("services.cloudformation.changesets", "_apply_transforms", _TRANSFORM),
)
FAILED = Internal("services.cloudformation.engine", "_TransformFailed", ("template", "error"))
PARSE = Internal("services.cloudformation.engine", "_parse_template", ("template_body",))
DECLARED = Internal("services.cloudformation.engine", "declared_transforms", ("template",))
PARAMETERS = Internal(
    "services.cloudformation.engine", "_transform_parameters", ("template", "provided_params", "previous_params")
)
FETCH = Internal("services.cloudformation.helpers", "_resolve_template", ("params",))
CAPABILITIES = Internal(
    "services.cloudformation.provisioners", "_check_nested_stack_capabilities", ("parent_stack_name", "template")
)
STACKS = Internal("services.cloudformation", "_stacks")
EVENTS = Internal("services.cloudformation", "_stack_events")
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

_APPLICATION, _STACK = "AWS::Serverless::Application", "AWS::CloudFormation::Stack"
_MINUTE = 60.0


@dataclass(frozen=True)
class _Nesting:
    """A nested stack that is being created: its parent and its parameters."""

    parent: str
    parameters: list[dict[str, str]]


_NESTING: ContextVar[_Nesting | None] = ContextVar("nesting", default=None)


class NestedApplications:
    """Replaces the base emulator's transforms, and its creation of nested stacks."""

    def __init__(self, deployments: Deployments, client_of: Callable[[str, str], Any]) -> None:
        """`client_of` makes a client of a service for an account."""
        self._deployments = deployments
        self._client_of = client_of
        self._apply: Callable[..., Any] = TRANSFORM.current()
        self._fetch: Callable[[dict[str, Any]], tuple[str | None, Any]] = FETCH.current()
        self._stock: dict[str, Any] = REGISTRY.current()[_STACK]

    def install(self) -> None:
        """Replace the internals."""
        for hook in (TRANSFORM, *CALLERS):
            hook.replace(self.apply_transforms)
        FETCH.replace(self.fetch)
        REGISTRY.current()[_STACK] = {**self._stock, "create": self.create, "update": self.update}

    def apply_transforms(self, template: Any, provided_params: Any = None, previous_params: Any = None) -> Any:
        """Fetch published applications, then apply the transforms. This may run on the thread of the event loop,
        so nothing here may send a request to the embedded AWS."""
        tags: dict[str, list[dict[str, str]]] = {}
        if SAM in DECLARED.current()(template) and not isinstance(template, FAILED.current()):
            try:
                tags = self._locate(template, PARAMETERS.current()(template, provided_params, previous_params))
            except _Refused as refused:
                return FAILED.current()(template, f"Transform {SAM} failed with: {refused}")
        applied = self._apply(template, provided_params, previous_params)
        for logical_id, its_tags in tags.items():
            applied["Resources"][logical_id]["Properties"].setdefault("Tags", []).extend(its_tags)
        return applied

    def create(self, logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        """Create a nested stack from the transformed template; deletes everything of one that fails."""
        before = set(STACKS.current())
        try:
            with self._nesting(props, stack_name), _within(props.get("TimeoutInMinutes")):
                physical_id, attributes = self._stock["create"](logical_id, props, stack_name)
        except Exception:
            for name in set(STACKS.current()) - before:
                if STACKS.current()[name].get("_parent_stack_name") == stack_name:
                    with suppress(ValueError):  # what cannot be deleted stays; the first reason is the one to report
                        self._stock["delete"](name, {})
            raise
        self._notify(physical_id, props, since=0)
        return physical_id, attributes

    def update(
        self, physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Update a nested stack to another template or other parameters."""
        told = len(EVENTS.current().get(physical_id, []))
        with self._nesting(new_props, stack_name):
            updated_id, attributes = self._stock["update"](physical_id, old_props, new_props, stack_name)
        self._notify(updated_id, new_props, since=told)
        return updated_id, attributes

    def fetch(self, params: dict[str, Any]) -> tuple[str | None, Any]:
        """A template; that of a nested stack after the SAM transform."""
        nesting = _NESTING.get()
        if nesting is None:
            return self._fetch(params)
        self._deployments.place(ACCOUNT.current()(), params["TemplateURL"][0])
        body, error = self._fetch(params)
        if error is not None or not body:
            return body, error
        template = PARSE.current()(body)
        unknown = sorted({each["Key"] for each in nesting.parameters} - set(template.get("Parameters") or {}))
        if unknown:
            raise ResourceFailed(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        if not DECLARED.current()(template):
            return body, None
        CAPABILITIES.current()(nesting.parent, template)
        expanded = self.apply_transforms(template, nesting.parameters)
        if isinstance(expanded, FAILED.current()):
            raise ResourceFailed(expanded.error)
        return json.dumps(expanded), None

    def _locate(self, template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Write the URL of its template as the Location of every published application; returns the tags of each."""
        published = dict(_published(template))
        if not published:
            return {}
        from samtranslator.model.exceptions import InvalidDocumentException, InvalidResourceException
        from samtranslator.plugins.application.serverless_app_plugin import ServerlessAppPlugin
        from samtranslator.translator.arn_generator import ArnGenerator

        ArnGenerator.BOTO_SESSION_REGION_NAME = REGION.current()()
        repository = _Repository(self._deployments, ACCOUNT.current()())
        plugin = ServerlessAppPlugin(sar_client=repository, parameters=parameters)
        try:
            plugin.on_before_transform_template(template)
            for logical_id, properties in published.items():
                plugin.on_before_transform_resource(logical_id, _APPLICATION, properties)
        except InvalidResourceException as error:
            raise _Refused(f"{InvalidDocumentException([error]).message} {error.message}") from error
        except ClientError as error:
            raise _Refused(str(error.response["Error"]["Message"])) from error
        tags = {}
        for logical_id, properties in published.items():
            location = properties["Location"]
            tags[logical_id] = [
                {"Key": "serverlessrepo:applicationId", "Value": location["ApplicationId"]},
                {"Key": "serverlessrepo:semanticVersion", "Value": str(location["SemanticVersion"])},
            ]
            properties["Location"] = properties.pop("TemplateUrl")
        return tags

    @contextmanager
    def _nesting(self, props: Mapping[str, Any], parent: str) -> Iterator[None]:
        topics = props.get("NotificationARNs") or []
        for topic in topics:
            try:
                self._client_of("sns", ACCOUNT.current()()).get_topic_attributes(TopicArn=topic)
            except ClientError as error:
                raise ResourceFailed(f"NotificationARN {topic}: {error.response['Error']['Message']}") from error
        given = props.get("Parameters") or {}
        parameters = [{"Key": key, "Value": str(value)} for key, value in given.items()]
        token = _NESTING.set(_Nesting(parent, parameters))
        try:
            yield
        finally:
            _NESTING.reset(token)

    def _notify(self, stack_id: str, props: Mapping[str, Any], *, since: int) -> None:
        """Tell the stack's topics what happened to it, once it has: a message per event, in CloudFormation's form."""
        for topic in props.get("NotificationARNs") or []:
            for event in EVENTS.current().get(stack_id, [])[since:]:
                lines = "".join(f"{name}='{event.get(name, '')}'\n" for name in sorted(event))
                self._client_of("sns", ACCOUNT.current()()).publish(
                    TopicArn=topic, Subject="AWS CloudFormation Notification", Message=lines
                )


class _Refused(Exception):
    """An application that cannot be nested; the message is SAM's or the repository's."""


class _Repository:
    """The embedded repository as SAM's plugin calls it, without a request: it may serve requests itself."""

    def __init__(self, deployments: Deployments, account: str) -> None:
        self._deployments = deployments
        self._account = account

    def create_cloud_formation_template(self, **given: Any) -> dict[str, Any]:
        try:
            return self._deployments.promise_template(self._account, given)
        except ServiceError as error:
            answer: Any = {"Error": {"Code": error.code, "Message": error.message}}
            raise ClientError(answer, "CreateCloudFormationTemplate") from error


def _published(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The properties of every application whose Location is in the repository."""
    for logical_id, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, dict) and resource.get("Type") == _APPLICATION:
            properties = resource.get("Properties")
            if isinstance(properties, dict) and isinstance(properties.get("Location"), dict):
                yield logical_id, properties


@contextmanager
def _within(minutes: Any) -> Iterator[None]:
    """Raises ValueError if the block takes longer than the nested stack's timeout."""
    begun = time.monotonic()
    yield
    if minutes is not None and time.monotonic() - begun > float(minutes) * _MINUTE:
        raise ResourceFailed(f"Stack creation time exceeded the specified timeout of {minutes} minutes")
