"""CodeDeploy lifecycle hooks: run a check of a new version, and report its result to CodeDeploy exactly once.

CodeDeploy waits up to an hour for the report, with the deployment half done; so every path ends in a report, in time.
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from threading import Thread
from typing import Any, Literal

from blueprints_shared.clients import client

__all__ = ["CheckFailed", "TimeLeft", "answer", "check_event_source_mappings", "invoke"]

TimeLeft = Callable[[], float]
"""Returns the seconds until the check has to end; negative when it is late."""

_RESERVED_FOR_REPORT = 12.0  # seconds: two attempts to reach CodeDeploy, of five each, and the log


class CheckFailed(Exception):
    """The new version must be rolled back; the message says why."""


@dataclass(frozen=True, slots=True)
class _HookResult:
    status: Literal["Succeeded", "Failed"]
    reported: bool
    reason: str | None = None


def answer(
    event: dict[str, Any], context: Any, check: Callable[[TimeLeft], None], logger: Any, *, codedeploy: Any = None
) -> dict[str, Any]:
    """Run `check` and report its result to CodeDeploy; return `status`, `reported` and `reason`.

    The status is Failed if the check raises any exception, or does not end in the time that `context` leaves. Neither
    that nor a failure to report is raised again, because Lambda would then repeat the whole hook. Raises KeyError for
    an event that names no deployment.
    """
    deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
    reason = None
    try:
        _run(check, context.get_remaining_time_in_millis() / 1000 - _RESERVED_FOR_REPORT)
    except Exception as error:
        logger.exception("the check failed; CodeDeploy rolls the deployment back")
        reason = str(error) if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"
    status: Literal["Succeeded", "Failed"] = "Failed" if reason is not None else "Succeeded"
    reported = _report(codedeploy, deployment, execution, status, logger)
    return asdict(_HookResult(status, reported, reason))


def invoke(functions: Any, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke `function` (the ARN of a version or an alias) and return its response.

    `functions` is a Lambda client. Raises CheckFailed if the function fails, or if its response is not a JSON object.
    """
    answered = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    response = json.loads(answered["Payload"].read())
    if answered.get("FunctionError"):
        raise CheckFailed(f"it raised {response.get('errorType')}: {response.get('errorMessage')}")
    if not isinstance(response, dict):
        raise CheckFailed(f"it returned {json.dumps(response)[:200]}")
    return response


def check_event_source_mappings(functions: Any, alias: str) -> None:
    """Check that event source mappings feed `alias` (its ARN) and that none of them is off or failing.

    `functions` is a Lambda client. Raises CheckFailed.
    """
    mappings = functions.list_event_source_mappings(FunctionName=alias)["EventSourceMappings"]
    if not mappings:
        raise CheckFailed("no event source mapping feeds the alias")
    for mapping in mappings:
        if mapping["State"] in ("Disabled", "Disabling", "Deleting"):
            raise CheckFailed(f"event source mapping {mapping['UUID']} is {mapping['State']}")
        if str(mapping.get("LastProcessingResult", "")).startswith("PROBLEM"):
            raise CheckFailed(f"event source mapping {mapping['UUID']}: {mapping['LastProcessingResult']}")


def _run(check: Callable[[TimeLeft], None], seconds: float) -> None:
    """Run `check` in a thread; raise its exception, or CheckFailed if it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    ended: Future[None] = Future()

    def run() -> None:
        try:
            check(lambda: deadline - time.monotonic())
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            ended.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the function before it reports
            ended.set_exception(CheckFailed(f"the check ended with {type(error).__name__}: {error}"))
        else:
            ended.set_result(None)

    # A daemon thread, because a hanging call cannot be cancelled; Lambda freezes it after the response.
    Thread(target=run, name="check", daemon=True).start()
    # wait() and result() are separate calls, so that a TimeoutError of the check is not mistaken for this one.
    if not wait([ended], timeout=max(seconds, 0)).done:
        raise CheckFailed(f"the check did not end within {max(seconds, 0):.0f} s")
    ended.result()


def _report(codedeploy: Any, deployment: str, execution: str, status: str, logger: Any) -> bool:
    try:
        # Created after the check, so that a failure to create it does not hide the check's reason.
        codedeploy = codedeploy or client("codedeploy", read_timeout=3, attempts=2)
        codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status=status
        )
    except Exception:
        logger.exception("CodeDeploy did not receive %s; it rolls the deployment back after an hour", status)
        return False
    logger.info("reported %s to CodeDeploy", status)
    return True
