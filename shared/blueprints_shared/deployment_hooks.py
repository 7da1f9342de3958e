"""What a CodeDeploy lifecycle hook does: a check, and an answer about it, given once, in any case and in time.

Until it has its answer CodeDeploy waits, an hour at most, with the deployment half done.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from threading import Thread
from typing import Any, Literal

from blueprints_shared.clients import client

__all__ = ["CheckFailed", "TimeLeft", "answer"]

TimeLeft = Callable[[], float]
"""Seconds, which may be negative, until a check has to have ended."""

_KEPT_FOR_ANSWER = 12.0  # seconds: two attempts to reach CodeDeploy, of five each, and the log


class CheckFailed(Exception):
    """The deployment is to be taken back; the message says why."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: Literal["Succeeded", "Failed"]
    reported: bool
    reason: str | None = None


def answer(
    event: dict[str, Any], context: Any, check: Callable[[TimeLeft], None], logger: Any, *, codedeploy: Any = None
) -> dict[str, Any]:
    """Run `check` and tell CodeDeploy whether it went through; returns status, whether it was reported, and the reason.

    A check that raises, whatever it raises, or that does not end while the invocation (`context`) leaves time to say
    so, is Failed. Nothing of that is raised again, nor is a failure to report: Lambda would only repeat the whole hook.
    An event that names no deployment is no hook's, and raises KeyError.
    """
    deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
    reason = None
    try:
        _run(check, context.get_remaining_time_in_millis() / 1000 - _KEPT_FOR_ANSWER)
    except Exception as error:
        logger.exception("the deployment is to be taken back")
        reason = str(error) if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"
    status: Literal["Succeeded", "Failed"] = "Failed" if reason is not None else "Succeeded"
    reported = _report(codedeploy, deployment, execution, status, logger)
    return asdict(_Answer(status, reported, reason))


def _run(check: Callable[[TimeLeft], None], seconds: float) -> None:
    """Have `check` end within `seconds`: it is told of them, and given up when it does not keep to them."""
    deadline = time.monotonic() + seconds
    ended: Future[None] = Future()

    def run() -> None:
        try:
            check(lambda: deadline - time.monotonic())
        except Exception as error:  # noqa: BLE001 - it is raised by whoever waits
            ended.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - SystemExit, which would end the function before it answers
            ended.set_exception(CheckFailed(f"the check gave up with {type(error).__name__}: {error}"))
        else:
            ended.set_result(None)

    # A thread, as a call that hangs cannot be told to stop; the next freeze of the function ends it.
    Thread(target=run, name="check", daemon=True).start()
    # Waiting apart from asking, so that a TimeoutError of the check's own is not taken for ours.
    if not wait([ended], timeout=max(seconds, 0)).done:
        raise CheckFailed(f"the check did not end within {max(seconds, 0):.0f} s")
    ended.result()


def _report(codedeploy: Any, deployment: str, execution: str, status: str, logger: Any) -> bool:
    try:
        # Made only now: what is wrong with the client must not come before the check's own reason in the log.
        codedeploy = codedeploy or client("codedeploy", read_timeout=3, attempts=2)
        codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status=status
        )
    except Exception:
        logger.exception("CodeDeploy was not told %s; it takes the deployment back after an hour", status)
        return False
    logger.info("told CodeDeploy %s", status)
    return True
