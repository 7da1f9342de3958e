"""Deletes stacks, with what their buckets hold and the buckets that their templates retain."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from blueprints.counting import counted
from blueprints.errors import BlueprintError
from blueprints.stacks.calls import call, error_code
from blueprints.stacks.client import Stacks
from blueprints.stacks.events import NESTED, created, deletion_failures, events

_BUCKET = "AWS::S3::Bucket"
# SAM has them retained for updates; they go with their function or state machine.
_GO_WITH_ANOTHER = {"AWS::Lambda::Version", "AWS::StepFunctions::StateMachineVersion"}
_ATTEMPTS = 4
_PER_REQUEST = 1000  # objects that DeleteObjects accepts at most


class Deletion:
    """Deletes stacks of one account."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._cloudformation = stacks.cloudformation

    def delete(self, stack_id: str) -> None:
        """Delete a stack in any state, and the buckets that its template retains.

        Its buckets and those of its nested stacks are emptied first, and again if something wrote to them meanwhile;
        no other bucket is touched. Raises BlueprintError if anything remains.
        """
        for _ in range(_ATTEMPTS):
            if self._stacks.wait_while_busy(stack_id)["StackStatus"] == "DELETE_COMPLETE":
                break
            for bucket in self._buckets(stack_id):
                self._empty(bucket)
            call(self._cloudformation.delete_stack, "DeleteStack", stack_id, StackName=stack_id)
        stack = self._stacks.wait_while_busy(stack_id)
        if stack["StackStatus"] != "DELETE_COMPLETE":
            reasons = deletion_failures(self._cloudformation, stack_id)
            listed = "\n  ".join(reasons) or stack.get("StackStatusReason") or "no reason given"
            raise BlueprintError(
                f"The stack could not be deleted ({stack['StackStatus']}):\n  {listed}",
                where=stack["StackName"],
                advice="Remove the cause, then run the command again: it deletes what is left.",
            )
        self._remove_retained(stack_id)

    def _remove_retained(self, stack_id: str) -> None:
        """Delete the retained buckets of a deleted stack; raises BlueprintError for other retained resources."""
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
                f"The stack is deleted, but its template's DeletionPolicy retained: {', '.join(others)}.",
                where=stack_id,
                advice="Delete them by hand. A pattern that can be tried keeps nothing by default.",
            )

    def _retained(self, stack_id: str) -> Iterator[tuple[str, str]]:
        """Type and physical id of each resource that a deleted stack or a nested one has created and not deleted."""
        listed = events(self._cloudformation, stack_id)
        own = created(listed)
        for event in listed:
            kind, physical_id = event["ResourceType"], str(event.get("PhysicalResourceId"))
            skipped = event["ResourceStatus"] == "DELETE_SKIPPED" and physical_id in own
            if skipped and kind not in _GO_WITH_ANOTHER:
                yield kind, physical_id
            elif kind == NESTED and event["ResourceStatus"] == "DELETE_COMPLETE" and physical_id != event["StackId"]:
                yield from self._retained(physical_id)

    def _buckets(self, stack_id: str) -> Iterator[str]:
        """The names of the buckets that a stack and its nested stacks have created."""
        own = created(events(self._cloudformation, stack_id))
        for each in self._stacks.resources(stack_id):
            if each.type == _BUCKET and each.physical_id in own:
                yield each.physical_id
            if each.type == NESTED and self._stacks.find(each.physical_id):
                yield from self._buckets(each.physical_id)

    def _empty(self, bucket: str) -> None:
        """Delete every object of a bucket, with all versions."""

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
                            advice="An object under a lock or a legal hold remains; so do its bucket and stack.",
                        )
                deleted += len(objects)
            return deleted

        with _unless_gone():
            deleted = call(empty, "DeleteObjects", f"s3://{bucket}", Bucket=bucket)
            self._stacks.report(f"emptied {bucket} ({counted(deleted, 'object')})")

    @cached_property
    def _s3(self) -> Any:
        return self._stacks.client("s3")


@contextmanager
def _unless_gone() -> Iterator[None]:
    """A bucket that does not exist was emptied and deleted by an earlier attempt."""
    try:
        yield
    except BlueprintError as error:
        if error_code(error) != "NoSuchBucket":
            raise
