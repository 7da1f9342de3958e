"""Task states: one attempt, from evaluated arguments to the raw result, with its events.

attempt              what an attempt gets from the execution
runner               chooses the integration and waits for the result
attempt_under_way    the events of an attempt and its time limits
integrations         reads the Resource of a state
calls                the call of a service integration, prepared from the arguments
lambda_tasks         functions
api_gateway_tasks    requests to APIs of API Gateway
http_tasks           requests to other endpoints, with the authorization of an EventBridge connection
form_bodies          their bodies as forms
sdk_*                calls of AWS APIs by name, and the form in which Step Functions gives results and errors
optimized            integrations with a form of their own: SQS, SNS, DynamoDB, EventBridge and others
jobs, managed_rules  `.sync`: waiting for what was started, and what the role needs for that
task_tokens          tokens that callbacks and workers answer
activities           queues of activities
role_sessions        the machine's role: its credentials and boto3 clients
workers              threads for calls that block
function_slots       how many functions run at once
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
