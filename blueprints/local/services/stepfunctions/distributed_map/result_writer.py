"""`ResultWriter`: the results of child executions, as the state's output or as files in S3.

Source: "ResultWriter (Map)" in the Step Functions Developer Guide.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.services.stepfunctions.distributed_map.map_runs import Child, MapRun
from blueprints.local.services.stepfunctions.distributed_map.s3_failures import access_denied_message, sdk_message
from blueprints.local.services.stepfunctions.execution.execution import SUCCEEDED, Execution, timestamp
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

RESULT_WRITER_FAILED = "States.ResultWriterFailed"
NONE = "NONE"
COMPACT = "COMPACT"
FLATTEN = "FLATTEN"
LARGEST_FILE = 5 * 1024**3
"""The most bytes of a result file; more results go into the next file."""
_INCLUDED = {"Included": True}


@dataclass(frozen=True)
class ResultWriter:
    """A `ResultWriter` whose expressions were evaluated."""

    account: str
    """The account that owns every bucket here."""
    parameters: Mapping[str, Any] | None = None
    """Bucket, Prefix and ExpectedBucketOwner; None if the results are not exported."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """`WriterConfig`."""
    largest_file: int = LARGEST_FILE

    @property
    def transformation(self) -> str:
        """`NONE`, `COMPACT` or `FLATTEN`."""
        return str(self.config.get("Transformation", NONE))

    def results(self, run: MapRun, children: Iterable[Child]) -> list[Any]:
        """The results of children, transformed. A child without an output has its whole record among them."""
        listed: list[Any] = []
        for child in children:
            execution = child.execution
            if execution is None or execution.output_text is None or self.transformation == NONE:
                listed.append(record_of(child, run))
                continue
            output = json.loads(execution.output_text)
            if self.transformation == FLATTEN and isinstance(output, list):
                listed.extend(output)
            else:
                listed.append(output)
        return listed

    def export(self, run: MapRun, s3: Any) -> dict[str, Any]:
        """Write the result files and then their manifest, with a boto3 client, and return the state's output.

        Raises StateFailed with States.ResultWriterFailed.
        """
        parameters = self.parameters or {}
        bucket, folder = str(parameters.get("Bucket", "")), self._folder(run)
        self._check_owner()
        files: dict[str, list[dict[str, Any]]] = {}
        for kind, children in _by_kind(run.children or ()).items():
            files[kind] = []
            for number, body in enumerate(self._bodies(run, children)):
                key = f"{folder}/{kind}_{number}.json"
                self._put(s3, Bucket=bucket, Key=key, Body=body)
                files[kind].append({"Key": key, "Size": len(body)})
        manifest = {"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": files}
        key = f"{folder}/manifest.json"
        self._put(s3, Bucket=bucket, Key=key, Body=dump(manifest).encode("utf-8", "replace"))
        return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}

    def _folder(self, run: MapRun) -> str:
        prefix = str((self.parameters or {}).get("Prefix") or "").rstrip("/")
        return f"{prefix}/{run.id}" if prefix else run.id

    def _check_owner(self) -> None:
        """The base emulator ignores the parameter; every bucket here belongs to this account."""
        owner = str((self.parameters or {}).get("ExpectedBucketOwner") or self.account)
        if owner != self.account:
            raise StateFailed(RESULT_WRITER_FAILED, access_denied_message())

    def _bodies(self, run: MapRun, children: Sequence[Child]) -> Iterator[bytes]:
        """The files for children of one kind, each a JSON array, or JSON Lines with a line per result."""
        lines = self.config.get("OutputType") == "JSONL"
        opening, between, closing = (b"", b"\n", b"\n") if lines else (b"[", b",", b"]")
        texts: list[bytes] = []
        size = 0
        for result in self.results(run, children):
            text = dump(result).encode("utf-8", "replace")
            if texts and size + len(text) > self.largest_file:
                yield opening + between.join(texts) + closing
                texts, size = [], 0
            texts.append(text)
            size += len(text) + 1
        if texts:
            yield opening + between.join(texts) + closing

    def _put(self, s3: Any, **parameters: Any) -> None:
        try:
            s3.put_object(**parameters, ContentType="application/json")
        except ClientError as error:
            raise StateFailed(RESULT_WRITER_FAILED, sdk_message(error)) from None
        except BotoCoreError as error:
            raise StateFailed(RESULT_WRITER_FAILED, str(error)) from None


def outputs(children: Iterable[Child]) -> list[Any]:
    """Without a ResultWriter, the output of the state: the outputs of the children that have succeeded, in order."""
    executions = (each.execution for each in children)
    return [each.scope.output for each in executions if each is not None and each.status == SUCCEEDED]


def record_of(child: Child, run: MapRun) -> dict[str, Any]:
    """A child execution with its metadata, as result files show it."""
    execution = child.execution
    if execution is None:
        return {"Input": child.batch.text, "InputDetails": _INCLUDED, "Status": child.status}
    record = {
        "ExecutionArn": execution.arn,
        "Input": execution.input_text,
        "InputDetails": _INCLUDED,
        "Name": execution.name,
        "RedriveCount": execution.redrive_count,
        "StartDate": timestamp(execution.start_date),
        "StateMachineArn": run.machine_arn,
        "Status": child.status,
    }
    return record | _end_of(execution) | _redrive_status(child, execution)


def _end_of(execution: Execution) -> dict[str, Any]:
    end: dict[str, Any] = {}
    if execution.output_text is not None:
        end |= {"Output": execution.output_text, "OutputDetails": _INCLUDED}
    optional = {"Error": execution.error, "Cause": execution.cause}
    end |= {name: text for name, text in optional.items() if text is not None}
    if execution.stop_date is not None:
        end["StopDate"] = timestamp(execution.stop_date)
    if execution.redrive_date is not None:
        end["RedriveDate"] = timestamp(execution.redrive_date)
    return end


def _redrive_status(child: Child, execution: Execution) -> dict[str, str]:
    if execution.status == SUCCEEDED:
        reason = "Execution is SUCCEEDED and cannot be redriven"
        return {"RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": reason}
    if child.is_redrivable:
        return {"RedriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    reason = "Execution history event limit exceeded"
    return {"RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": reason}


def _by_kind(children: Iterable[Child]) -> dict[str, list[Child]]:
    """Children by the files that they go into: what neither succeeded nor is pending has failed."""
    kinds: dict[str, list[Child]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for child in children:
        kinds[child.status if child.status in kinds else "FAILED"].append(child)
    return kinds
