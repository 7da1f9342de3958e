"""The failure of a state, as Retry and Catch see it."""

from blueprints.states_language.visible_data import VisibleData

RUNTIME = "States.Runtime"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
ALL = "States.ALL"


class StateFailed(Exception):
    """A state failed. `error` is the name that `ErrorEquals` matches; both parts may be absent, as in a Fail state."""

    def __init__(self, error: str | None, cause: str | None = None) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause

    @property
    def output(self) -> dict[str, str]:
        """What a Catch hands on: `Error` and `Cause`, as far as they exist."""
        parts = {"Error": self.error, "Cause": self.cause}
        return {name: part for name, part in parts.items() if part is not None}


class EvaluationFailed(StateFailed):
    """A JSONata expression could not be evaluated, or its value does not fit; `location` is the field that holds it."""

    def __init__(self, cause: str, location: str, state: str) -> None:
        super().__init__(QUERY_EVALUATION_ERROR, cause)
        self.location, self.state = location, state


def runtime_failure(data: VisibleData, cause: str, error: str = RUNTIME) -> StateFailed:
    """Return the failure of the state that `data` belongs to, its cause in the sentence that AWS begins causes with."""
    return StateFailed(error, data.at_state(cause))
