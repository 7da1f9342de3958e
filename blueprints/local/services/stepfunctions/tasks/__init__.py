"""Task states: one attempt, from evaluated arguments to the raw result, with its events.

attempt         what an attempt gets from the execution
runner          chooses the integration and keeps the time limits
role_sessions   the machine's role: its credentials and boto3 clients
task_tokens     tokens that workers and callbacks answer
activities      queues of activities
lambda_tasks    functions
sdk_*           calls of AWS APIs by name, and the form in which Step Functions gives results and errors
optimized       integrations with a form of their own: SQS, SNS, DynamoDB, EventBridge, Step Functions and others
jobs            `.sync`: start, wait until the job is done
managed_rules   what the role needs for that
"""

from blueprints.local.services.stepfunctions.tasks.activities import Activities
from blueprints.local.services.stepfunctions.tasks.attempt import TaskAttempt
from blueprints.local.services.stepfunctions.tasks.calls import is_known_resource
from blueprints.local.services.stepfunctions.tasks.managed_rules import refusal_of_rules
from blueprints.local.services.stepfunctions.tasks.role_sessions import RoleNotTrusted, check_trust
from blueprints.local.services.stepfunctions.tasks.runner import Tasks
from blueprints.local.services.stepfunctions.tasks.task_tokens import TaskTokens

__all__ = [
    "Activities",
    "RoleNotTrusted",
    "TaskAttempt",
    "TaskTokens",
    "Tasks",
    "check_trust",
    "is_known_resource",
    "refusal_of_rules",
]
