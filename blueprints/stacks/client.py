"""The CloudFormation client: creates, updates and describes stacks, and waits for them.

It serves an account and the embedded AWS alike: the same calls, the same bounded waits, the same words for a failure.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.progress import Report
from blueprints.stacks.calls import advice_on, call, error_code, error_message, is_on_this_machine
from blueprints.stacks.events import NESTED, deployment_failures, in_progress
from blueprints.stacks.stack import Resource, Stack, outputs_of, tag_list, tags_of

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_BODY_BYTES = 51_200
"""A larger template has to be in S3."""


@dataclass(frozen=True)
class Wait:
    """How often a stack is looked at, and for how long at most; both in seconds."""

    interval: float
    timeout: float


_EMBEDDED = Wait(interval=0.05, timeout=120.0)
_ACCOUNT = Wait(interval=5.0, timeout=3600.0)


class Stacks:
    """The stacks of one account in one Region."""

    def __init__(
        self,
        client: Callable[[str], Any],
        report: Report = lambda _: None,
        *,
        upload: Callable[[str], str] | None = None,
    ) -> None:
        """`client` makes a boto3 client of a service.

        `upload` puts a template that is too large for a request into S3 and returns its URL; without it, such a
        template is refused.
        """
        self.client = client
        self.report = report
        self._upload = upload

    @cached_property
    def cloudformation(self) -> Any:
        """The boto3 client of CloudFormation."""
        return self.client("cloudformation")

    def find(self, name: str) -> dict[str, Any] | None:
        """A stack by its name or id, as DescribeStacks returns it; None if there is none."""

        def describe(**arguments: Any) -> dict[str, Any] | None:
            try:
                stack: dict[str, Any] = self.cloudformation.describe_stacks(**arguments)["Stacks"][0]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                return None
            return stack

        found: dict[str, Any] | None = call(describe, "DescribeStacks", name, StackName=name)
        return found

    def get(self, name: str) -> dict[str, Any]:
        """A stack by its name or id, as DescribeStacks returns it.

        Raises BlueprintError if there is none or if it cannot be looked up.
        """
        try:
            found = self.find(name)
        except BlueprintError as error:
            cause = error.__cause__
            assert isinstance(cause, Exception)
            raise BlueprintError(
                f"The stack cannot be looked up: {cause}", where=name, advice=advice_on(cause)
            ) from cause
        if found is None:
            raise BlueprintError(
                f"There is no stack {name} in {self.cloudformation.meta.region_name} of this account.",
                advice="Deploy it with 'sam deploy' or 'blueprints up', or correct --profile, --region or --endpoint.",
            )
        return found

    def describe(self, name: str) -> Stack:
        """A stack by its name or id, with outputs and resources. Raises BlueprintError as `get` does."""
        return self._stack_of(self.get(name))

    def nested(self, stack: Stack) -> list[Stack]:
        """The nested stacks of a stack, at any depth."""
        found = [self.describe(each.physical_id) for each in stack.of_type(NESTED)]
        return [inner for each in found for inner in (each, *self.nested(each))]

    def tagged(self, tags: Mapping[str, str]) -> list[dict[str, Any]]:
        """Every stack that has these tags, newest first, as DescribeStacks returns it; nested stacks are left out."""
        pages = self.cloudformation.get_paginator("describe_stacks").paginate
        stacks = call(lambda: [each for page in pages() for each in page["Stacks"]], "DescribeStacks", "all stacks")
        found = [each for each in stacks if "ParentId" not in each and tags.items() <= tags_of(each).items()]
        return sorted(found, key=lambda each: str(each["CreationTime"]), reverse=True)

    def tags(self, stack: Mapping[str, Any]) -> dict[str, str]:
        """A stack's tags. Before it is created, those that all of its change sets would give it.

        CloudFormation tags a stack when a change set is executed; until then the stack has only a name.
        """
        if stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return tags_of(stack)
        name = stack["StackName"]
        pages = self.cloudformation.get_paginator("list_change_sets").paginate
        listed = call(
            lambda **given: [each["ChangeSetId"] for page in pages(**given) for each in page["Summaries"]],
            "ListChangeSets",
            name,
            StackName=name,
        )
        describe = self.cloudformation.describe_change_set
        planned = [tags_of(call(describe, "DescribeChangeSet", each, ChangeSetName=each)).items() for each in listed]
        return dict(set.intersection(*map(set, planned))) if planned else {}

    def create(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Stack:
        """Create a stack and wait until it is complete. Raises BlueprintError with the reasons if it fails."""
        created = self._create(self._request(name, template, parameters, tags))
        return self.wait_until_complete(created["StackId"])

    def deploy(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Stack:
        """Create a stack, or update the stack of that name, and wait until it is complete.

        Raises BlueprintError with the reasons if it fails.
        """
        request = self._request(name, template, parameters, tags)
        try:
            created = self._create(request)
        except BlueprintError as error:
            if error_code(error) != "AlreadyExistsException":
                raise
            return self._update(request)
        return self.wait_until_complete(created["StackId"])

    def execute_change_set(self, change_set: str, stack_id: str) -> Stack:
        """Execute a change set as soon as it is created, and wait until its stack is complete."""
        deadline = time.monotonic() + self._wait.timeout
        while True:
            described = call(
                self.cloudformation.describe_change_set, "DescribeChangeSet", change_set, ChangeSetName=change_set
            )
            if described["Status"] == "CREATE_COMPLETE":
                break
            if described["Status"] == "FAILED" or time.monotonic() > deadline:
                reason = described.get("StatusReason") or described["Status"]
                raise BlueprintError(f"The change set was not created: {reason}", where=change_set)
            time.sleep(self._wait.interval)
        call(self.cloudformation.execute_change_set, "ExecuteChangeSet", change_set, ChangeSetName=change_set)
        return self.wait_until_complete(stack_id)

    def wait_until_complete(self, stack_id: str) -> Stack:
        """Wait for a creation or update. Raises BlueprintError with the reasons if it fails."""
        stack = self.wait_while_busy(stack_id, ("REVIEW_IN_PROGRESS",))
        if stack["StackStatus"] not in _COMPLETE:
            reasons = deployment_failures(self.cloudformation, stack_id)
            listed = "\n  ".join(reasons) or stack.get("StackStatusReason") or "no reason given"
            raise BlueprintError(
                f"The stack was not deployed ({stack['StackStatus']}):\n  {listed}", where=stack["StackName"]
            )
        return self._stack_of(stack)

    def wait_while_busy(self, stack_id: str, also: tuple[str, ...] = ()) -> dict[str, Any]:
        """Wait while CloudFormation works on a stack, or its status is among `also`.

        Returns the stack as DescribeStacks does. A stack that does not exist counts as deleted. Raises BlueprintError
        when the time is over, and names the resources that are still in progress.
        """
        deadline = time.monotonic() + self._wait.timeout
        reported = None
        while True:
            stack = self.find(stack_id) or {"StackName": stack_id, "StackStatus": "DELETE_COMPLETE"}
            status = stack["StackStatus"]
            if status not in also and (not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS"):
                return stack
            if time.monotonic() > deadline:
                raise self._unfinished(stack)
            if status != reported:
                self.report(f"{stack['StackName']} is {status}")
            reported = status
            time.sleep(self._wait.interval)

    def resources(self, stack_id: str) -> Iterator[Resource]:
        """The resources of a stack that exist; those of nested stacks are not among them."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate
        listed = call(
            lambda **given: [each for page in pages(**given) for each in page["StackResourceSummaries"]],
            "ListStackResources",
            stack_id,
            StackName=stack_id,
        )
        for each in listed:
            if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE":
                yield Resource(each["LogicalResourceId"], each["PhysicalResourceId"], each["ResourceType"])

    @cached_property
    def _wait(self) -> Wait:
        return _EMBEDDED if is_on_this_machine(self.cloudformation) else _ACCOUNT

    def _request(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str] | None,
        tags: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        given = [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in (parameters or {}).items()]
        return {
            "StackName": name,
            "Capabilities": _CAPABILITIES,
            "Parameters": given,
            **({"Tags": tag_list(tags)} if tags else {}),
            **self._template_argument(name, template),
        }

    def _template_argument(self, name: str, template: str) -> dict[str, str]:
        size = len(template.encode())
        if size <= _BODY_BYTES:
            return {"TemplateBody": template}
        if self._upload is None:
            raise BlueprintError(
                f"The template has {size:,} bytes, and CloudFormation accepts {_BODY_BYTES:,} in a request.",
                where=name,
                advice="Split it into nested stacks.",
            )
        return {"TemplateURL": self._upload(template)}

    def _create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with _refusals("create", request["StackName"]):
            created: dict[str, Any] = call(
                self.cloudformation.create_stack, "CreateStack", request["StackName"], **request
            )
        return created

    def _update(self, request: Mapping[str, Any]) -> Stack:
        name = request["StackName"]
        try:
            with _refusals("update", name):
                updated = call(self.cloudformation.update_stack, "UpdateStack", name, **request)
        except BlueprintError as error:
            if "No updates are to be performed" not in str(error):
                raise
            return self.describe(name)
        return self.wait_until_complete(updated["StackId"])

    def _stack_of(self, stack: Mapping[str, Any]) -> Stack:
        name = stack["StackName"]
        return Stack(name, outputs_of(stack), tuple(self.resources(stack.get("StackId", name))))

    def _unfinished(self, stack: Mapping[str, Any]) -> BlueprintError:
        waiting = in_progress(self.cloudformation, stack.get("StackId", stack["StackName"]))
        which = f": waiting for {', '.join(waiting)}" if waiting else ""
        custom = any("Custom" in each for each in waiting)
        return BlueprintError(
            f"The stack is still {stack['StackStatus']} after {_duration(self._wait.timeout)}{which}.",
            where=stack["StackName"],
            advice="A custom resource is complete when its function has sent a response to the event's ResponseURL, "
            "also after an error."
            if custom
            else None,
        )


@contextmanager
def _refusals(action: str, name: str) -> Iterator[None]:
    """A ValidationError is about the template or the stack's state, so it is reported without the name of the call."""
    try:
        yield
    except BlueprintError as error:
        if error_code(error) != "ValidationError":
            raise
        refused = f"CloudFormation refused to {action} the stack: {error_message(error)}"
        raise BlueprintError(refused, where=name) from error.__cause__


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} seconds"
