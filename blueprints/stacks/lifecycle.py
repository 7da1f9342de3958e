"""CloudFormation stacks of an account: awaited, with what failed in them; deleted, with what their buckets hold."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from blueprints.counting import counted
from blueprints.errors import BlueprintError
from blueprints.stacks.calls import call

Progress = Callable[[str], None]

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_BUCKET, _NESTED = "AWS::S3::Bucket", "AWS::CloudFormation::Stack"
_GO_WITH_ANOTHER = {"AWS::Lambda::Version"}  # SAM has them retained for updates; they go with their function
_PATIENCE = 3600.0
_DELETIONS = 4
_PER_REQUEST = 1000  # objects that DeleteObjects takes at most


class Stacks:
    """The stacks of one account in one Region, by its boto3 clients."""

    def __init__(self, client: Callable[[str], Any], progress: Progress, *, pause: float) -> None:
        """`pause` is how many seconds pass between two looks at a stack."""
        self._cloudformation = client("cloudformation")
        self._s3 = client("s3")
        self._progress = progress
        self._pause = pause

    def look(self, name: str) -> dict[str, Any] | None:
        """A stack by its name or id; None where there is none."""
        return look(self._cloudformation, name)

    def tagged(self, tags: Mapping[str, str]) -> list[dict[str, Any]]:
        """Every stack that carries these tags, the newest first; nested ones go with theirs."""
        pages = self._cloudformation.get_paginator("describe_stacks").paginate
        stacks = call(lambda: [each for page in pages() for each in page["Stacks"]], "DescribeStacks", "all stacks")
        found = [each for each in stacks if "ParentId" not in each and tags.items() <= tags_of(each).items()]
        return sorted(found, key=lambda each: str(each["CreationTime"]), reverse=True)

    def tags(self, stack: Mapping[str, Any]) -> dict[str, str]:
        """A stack's tags; before it is made, those that all of its change sets are going to give it.

        CloudFormation tags a stack when a change set is executed: until then it has a name and nothing else.
        """
        if stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return tags_of(stack)
        name = stack["StackName"]
        pages = self._cloudformation.get_paginator("list_change_sets").paginate
        listed = call(
            lambda **given: [each["ChangeSetId"] for page in pages(**given) for each in page["Summaries"]],
            "ListChangeSets",
            name,
            StackName=name,
        )
        describe = self._cloudformation.describe_change_set
        planned = [tags_of(call(describe, "DescribeChangeSet", each, ChangeSetName=each)).items() for each in listed]
        return dict(set.intersection(*map(set, planned))) if planned else {}

    def create(self, name: str, template: str, tags: Mapping[str, str]) -> dict[str, str]:
        """Create a stack and wait for it; returns its outputs."""
        made = call(
            self._cloudformation.create_stack,
            "CreateStack",
            name,
            StackName=name,
            TemplateBody=template,
            Capabilities=_CAPABILITIES,
            Tags=tag_list(tags),
        )
        return self.stands(made["StackId"])

    def execute(self, change_set: str, stack_id: str) -> dict[str, str]:
        """Execute a change set once it is ready, and wait for its stack; returns its outputs."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            described = call(
                self._cloudformation.describe_change_set, "DescribeChangeSet", change_set, ChangeSetName=change_set
            )
            if described["Status"] == "CREATE_COMPLETE":
                break
            if described["Status"] == "FAILED" or time.monotonic() > deadline:
                reason = described.get("StatusReason") or described["Status"]
                raise BlueprintError(f"The change set was not created: {reason}", where=change_set)
            time.sleep(self._pause)
        call(self._cloudformation.execute_change_set, "ExecuteChangeSet", change_set, ChangeSetName=change_set)
        return self.stands(stack_id)

    def stands(self, stack_id: str) -> dict[str, str]:
        """Wait until a stack is made; returns its outputs. Raises BlueprintError with the reasons it failed."""
        stack = self._settled(stack_id, ("REVIEW_IN_PROGRESS",))
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reasons = "\n  ".join(self._failures(stack_id)) or stack.get("StackStatusReason") or "no reason given"
            raise BlueprintError(
                f"The stack was not deployed ({stack['StackStatus']}):\n  {reasons}", where=stack["StackName"]
            )
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def take_down(self, stack_id: str) -> None:
        """Delete a stack, whatever it is in the middle of, and the buckets that its template says to retain.

        Its own buckets and those of its nested stacks are emptied first, and again when something wrote to them
        meanwhile; no other bucket is touched. Raises BlueprintError when anything stays.
        """
        for _ in range(_DELETIONS):
            if self._settled(stack_id)["StackStatus"] == "DELETE_COMPLETE":
                break
            for bucket in self._resources(stack_id, _BUCKET):
                self._empty(bucket)
            call(self._cloudformation.delete_stack, "DeleteStack", stack_id, StackName=stack_id)
        stack = self._settled(stack_id)
        if stack["StackStatus"] != "DELETE_COMPLETE":
            reasons = "\n  ".join(self._failures(stack_id, "DELETE_FAILED")) or stack.get("StackStatusReason")
            raise BlueprintError(
                f"The stack could not be deleted ({stack['StackStatus']}):\n  {reasons}",
                where=stack["StackName"],
                advice="See to what is named there, then run it again: it takes down what is left.",
            )
        self._remove_retained(stack_id)

    def _remove_retained(self, stack_id: str) -> None:
        """Remove the buckets that a deleted stack's template has kept; raises BlueprintError for what else it kept."""
        others = []
        for resource_type, physical_id in self._retained(stack_id):
            if resource_type != _BUCKET:
                others.append(f"{physical_id} ({resource_type})")
                continue
            self._empty(physical_id)
            with _unless_gone():
                call(self._s3.delete_bucket, "DeleteBucket", f"s3://{physical_id}", Bucket=physical_id)
        if others:
            raise BlueprintError(
                f"The stack is deleted, and its template's DeletionPolicy kept: {', '.join(others)}.",
                where=stack_id,
                advice="Delete them by hand. A pattern that can be tried keeps nothing by default.",
            )

    def _retained(self, stack_id: str) -> Iterator[tuple[str, str]]:
        """Type and physical id of what a deleted stack and its nested ones made and left standing."""
        events = self._events(stack_id)
        made = _made(events)
        for event in events:
            kind, physical_id = event["ResourceType"], str(event.get("PhysicalResourceId"))
            skipped = event["ResourceStatus"] == "DELETE_SKIPPED" and physical_id in made
            if skipped and kind not in _GO_WITH_ANOTHER:
                yield kind, physical_id
            elif kind == _NESTED and event["ResourceStatus"] == "DELETE_COMPLETE" and physical_id != event["StackId"]:
                yield from self._retained(physical_id)

    def _settled(self, stack_id: str, also: tuple[str, ...] = ()) -> dict[str, Any]:
        """A stack once nothing is being done to it; a stack that is gone altogether counts as deleted."""
        deadline = time.monotonic() + _PATIENCE
        said = None
        while True:
            stack = self.look(stack_id) or {"StackName": stack_id, "StackStatus": "DELETE_COMPLETE"}
            status = stack["StackStatus"]
            if status not in also and (not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS"):
                return stack
            if time.monotonic() > deadline:
                raise BlueprintError(f"The stack is still {status} after an hour.", where=stack["StackName"])
            if status != said:
                self._progress(f"{stack['StackName']} is {status}")
            said = status
            time.sleep(self._pause)

    def _resources(self, stack_id: str, resource_type: str) -> Iterator[str]:
        """The physical ids of the resources of a type that a stack and its nested ones have made."""
        made = _made(self._events(stack_id))
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate
        listed = call(
            lambda **given: [each for page in pages(**given) for each in page["StackResourceSummaries"]],
            "ListStackResources",
            stack_id,
            StackName=stack_id,
        )
        for each in listed:
            physical_id = each.get("PhysicalResourceId")
            if not physical_id or each["ResourceStatus"] == "DELETE_COMPLETE":
                continue
            if each["ResourceType"] == resource_type and physical_id in made:
                yield physical_id
            if each["ResourceType"] == _NESTED and self.look(physical_id):
                yield from self._resources(physical_id, resource_type)

    def _empty(self, bucket: str) -> None:
        """Delete every object of a bucket, with all its versions."""

        def empty(**given: Any) -> int:
            deleted = 0
            for page in self._s3.get_paginator("list_object_versions").paginate(**given):
                listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
                for begin in range(0, len(objects), _PER_REQUEST):
                    batch = {"Objects": objects[begin : begin + _PER_REQUEST], "Quiet": True}
                    failed = self._s3.delete_objects(**given, Delete=batch).get("Errors")
                    if failed:
                        raise BlueprintError(
                            f"{failed[0]['Key']} could not be deleted: {failed[0].get('Message')}",
                            where=f"s3://{bucket}",
                            advice="An object that is locked or held stays; the bucket and its stack stay with it.",
                        )
                deleted += len(objects)
            return deleted

        with _unless_gone():
            deleted = call(empty, "DeleteObjects", f"s3://{bucket}", Bucket=bucket)
            self._progress(f"emptied {bucket} ({counted(deleted, 'object')})")

    def _failures(self, stack_id: str, *statuses: str) -> list[str]:
        """The resources that failed, with CloudFormation's reasons; what was cancelled because of them says nothing."""
        wanted = statuses or ("CREATE_FAILED", "UPDATE_FAILED")
        reasons: list[str] = []
        for event in self._events(stack_id):
            own = event.get("PhysicalResourceId") == event["StackId"]
            reason = event.get("ResourceStatusReason", "no reason given")
            if event["ResourceStatus"] not in wanted or own or "cancelled" in reason:
                continue
            reasons.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}")
            if event["ResourceType"] == _NESTED and str(event.get("PhysicalResourceId")).startswith("arn:"):
                reasons.extend(self._failures(event["PhysicalResourceId"], *wanted))
        return list(dict.fromkeys(reasons))

    def _events(self, stack_id: str) -> list[dict[str, Any]]:
        """What happened to a stack, the oldest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate
        events = call(
            lambda **given: [each for page in pages(**given) for each in page["StackEvents"]],
            "DescribeStackEvents",
            stack_id,
            StackName=stack_id,
        )
        return list(reversed(events))


def look(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """A stack by its name or id; None where there is none."""

    def describe(**arguments: Any) -> dict[str, Any] | None:
        try:
            stack: dict[str, Any] = cloudformation.describe_stacks(**arguments)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return None
        return stack

    found: dict[str, Any] | None = call(describe, "DescribeStacks", name, StackName=name)
    return found


def _made(events: list[dict[str, Any]]) -> set[str]:
    """The physical ids of what a stack has created: one that failed because it is there already is somebody else's."""
    return {str(each.get("PhysicalResourceId")) for each in events if each["ResourceStatus"] == "CREATE_COMPLETE"}


@contextmanager
def _unless_gone() -> Iterator[None]:
    """A bucket that is gone has been emptied and deleted by an earlier attempt."""
    try:
        yield
    except BlueprintError as error:
        cause = error.__cause__
        if not isinstance(cause, ClientError) or cause.response["Error"].get("Code") != "NoSuchBucket":
            raise


def tags_of(described: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a described stack or change set."""
    return {each["Key"]: each["Value"] for each in described.get("Tags", [])}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in the form that requests have."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
