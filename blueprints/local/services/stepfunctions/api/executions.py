"""Starts, stops, redrives, describes and lists executions."""

import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns, execution_descriptions
from blueprints.local.services.stepfunctions.api.execution_input import read_input
from blueprints.local.services.stepfunctions.api.execution_store import ExecutionStore
from blueprints.local.services.stepfunctions.api.machine_store import MachineStore, Target
from blueprints.local.services.stepfunctions.api.pages import page
from blueprints.local.services.stepfunctions.api.state_machines import revision_fields
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import EXPRESS, RUNNING, Execution
from blueprints.states_language import json_text

_TOKEN_VALID_SECONDS = 15 * 60
_METADATA_ONLY = "METADATA_ONLY"

Answer = dict[str, Any]


class Executions:
    """The operations on executions."""

    def __init__(self, machines: MachineStore, executions: ExecutionStore, engine: Engine) -> None:
        self._machines = machines
        self._executions = executions
        self._engine = engine
        self._changing = threading.Lock()
        """Held while an execution is started or redriven, so that the same request at the same time finds it."""
        self._redriven: dict[tuple[str, str], float] = {}
        """The dates of redrives by the execution's ARN and the client's token."""

    def reset(self) -> None:
        """Forget the tokens of clients."""
        self._redriven.clear()

    def start(self, given: Answer) -> Answer:
        """StartExecution. A repeated request finds the first one's execution while that runs."""
        target = self._machines.target(given["stateMachineArn"])
        execution = _new(target, given)
        if execution.type == EXPRESS:
            self._engine.start(execution)
            return _started(execution)
        with self._changing:
            kept = self._executions.add(execution)
            if kept is execution:
                self._engine.start(execution)
                return _started(execution)
        if kept.status != RUNNING or kept.input_text != execution.input_text or _started_otherwise(kept, target):
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{kept.arn}'")
        return _started(kept)

    def start_synchronously(self, given: Answer) -> Answer:
        """StartSyncExecution, which answers when the execution has ended."""
        target = self._machines.target(given["stateMachineArn"])
        if target.revision.type != EXPRESS:
            raise _not_supported()
        execution = _new(target, given)
        self._engine.run_synchronously(execution)
        with_data = given.get("includedData") != _METADATA_ONLY
        return execution_descriptions.synchronous_result(execution, with_data=with_data)

    def stop(self, given: Answer) -> Answer:
        """StopExecution; an execution that has ended stays as it is."""
        execution = self._get(given["executionArn"])
        error, cause = (given.get(name) and json_text.well_formed(given[name]) for name in ("error", "cause"))
        self._engine.stop(execution, error, cause)
        return {"stopDate": execution.stop_date or time.time()}

    def redrive(self, given: Answer) -> Answer:
        """RedriveExecution. A repeated request with the same token answers as the first one, for 15 minutes."""
        execution = self._get(given["executionArn"])
        key = (execution.arn, given.get("clientToken", ""))
        with self._changing:
            date = self._redriven.get(key, 0)
            if given.get("clientToken") and time.time() - date < _TOKEN_VALID_SECONDS:
                return {"redriveDate": date}
            status = self._redrive_status(execution)
            if status["redriveStatus"] == execution_descriptions.BY_MAP_RUN:
                status["redriveStatusReason"] = "Execution is redrivable by its Map Run only: redrive its parent"
            if "redriveStatusReason" in status:
                raise ServiceError("ExecutionNotRedrivable", status["redriveStatusReason"])
            self._engine.redrive(execution)
            self._redriven[key] = date = execution.redrive_date or time.time()
        return {"redriveDate": date}

    def describe(self, given: Answer) -> Answer:
        """DescribeExecution."""
        execution = self._get(given["executionArn"])
        return execution_descriptions.description(
            execution,
            machine_is_deleted=self._machine_is_deleted(execution),
            with_data=given.get("includedData") != _METADATA_ONLY,
        )

    def describe_machine(self, given: Answer) -> Answer:
        """DescribeStateMachineForExecution: the revision that an execution runs."""
        execution = self._get(given["executionArn"])
        machine = self._machines.find(execution.revision.machine_arn)
        fields = revision_fields(execution.revision)
        if given.get("includedData") == _METADATA_ONLY:
            fields["definition"] = "{}"
        return {
            **fields,
            "stateMachineArn": execution_descriptions.machine_arn(execution),
            "updateDate": machine.updated if machine else execution.start_date,
            "mapRunArn": execution.map_run_arn,
            "label": execution_descriptions.map_label(execution),
            "encryptionConfiguration": machine.encryption if machine else None,
        }

    def history(self, given: Answer) -> Answer:
        """GetExecutionHistory."""
        execution = self._get(given["executionArn"])
        events = list(execution.history.events)
        newest_first = bool(given.get("reverseOrder"))
        if newest_first:
            events.reverse()
        shown, token = page(events, given, lambda each: each["id"], descending=newest_first)
        if not given.get("includeExecutionData", True):
            shown = execution_descriptions.without_data(shown)
        return {"events": shown, "nextToken": token}

    def list(self, given: Answer) -> Answer:
        """ListExecutions of a machine, a version, an alias or a Map Run, newest first."""
        found = sorted(self._listed(given), key=_place, reverse=True)
        if "statusFilter" in given:
            found = [each for each in found if each.status == given["statusFilter"]]
        if "redriveFilter" in given:
            redriven = given["redriveFilter"] == "REDRIVEN"
            found = [each for each in found if (each.redrive_count > 0) == redriven]
        shown, token = page(found, given, _place, descending=True)
        return {"executions": [execution_descriptions.summary(each) for each in shown], "nextToken": token}

    def find(self, arn: str) -> Execution:
        """The execution of an ARN. Raises ServiceError."""
        return self._get(arn)

    def _listed(self, given: Answer) -> Sequence[Execution]:
        if ("mapRunArn" in given) == ("stateMachineArn" in given):
            raise ServiceError("ValidationException", "Exactly one of stateMachineArn and mapRunArn must be specified")
        if "mapRunArn" in given:
            return self._executions.of_map_run(given["mapRunArn"])
        arn = given["stateMachineArn"]
        arns.check(arn, arns.MACHINE)
        machine_arn, qualifier = arns.unqualified(arn)
        machine = self._machines.get(machine_arn)
        if machine.revision.type == EXPRESS:
            raise _not_supported()
        found = self._executions.of_machine(machine_arn)
        if not qualifier:
            return found
        if self._machines.version(arn) is None and self._machines.alias(arn) is None:
            raise ServiceError("ResourceNotFound", "Request references a resource that does not exist.")
        return [each for each in found if arn in (each.version_arn, each.alias_arn)]

    def _get(self, arn: str) -> Execution:
        arns.check(arn, arns.EXECUTION)
        execution = self._executions.find(arn) if arns.is_of_request(arn) else None
        if execution is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution

    def _redrive_status(self, execution: Execution) -> dict[str, str]:
        deleted = self._machine_is_deleted(execution)
        return execution_descriptions.redrive_status(execution, machine_is_deleted=deleted)

    def _machine_is_deleted(self, execution: Execution) -> bool:
        machine = self._machines.find(execution.revision.machine_arn)
        return machine is None or machine.deleting


def _new(target: Target, given: Answer) -> Execution:
    """An execution that has not started. Raises ServiceError."""
    name = given.get("name") or str(uuid.uuid4())
    arns.check_name(name)
    text = json_text.well_formed(given.get("input", "{}"))
    value = read_input(text)
    machine = target.machine.name
    if target.revision.type == EXPRESS:
        arn = arns.make(arns.EXPRESS, machine, name, uuid.uuid4())
    else:
        arn = arns.make(arns.EXECUTION, machine, name)
    return Execution(
        arn,
        name,
        target.revision,
        text,
        value,
        type=target.revision.type,
        version_arn=target.version_arn,
        alias_arn=target.alias_arn,
        trace_header=given.get("traceHeader"),
    )


def _started(execution: Execution) -> Answer:
    return {"executionArn": execution.arn, "startDate": execution.start_date}


def _started_otherwise(execution: Execution, target: Target) -> bool:
    """Whether an execution was started with another alias or, without an alias, another version."""
    if target.alias_arn or execution.alias_arn:
        return execution.alias_arn != target.alias_arn
    return execution.version_arn != target.version_arn


def _place(execution: Execution) -> list[Any]:
    return [execution.start_date, execution.arn]


def _not_supported() -> ServiceError:
    return ServiceError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
