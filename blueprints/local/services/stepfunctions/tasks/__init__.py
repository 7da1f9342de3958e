"""Task states: one attempt, from evaluated arguments to the raw result, with its events."""

from blueprints.local.services.stepfunctions.tasks.attempt import TaskAttempt

__all__ = ["TaskAttempt"]
