"""CloudFormation's resource types of Step Functions: state machines, versions, aliases and activities.

state_machines     AWS::StepFunctions::StateMachine
definitions        the definition that a template gives, from its property, from S3, with substitutions
versions           AWS::StepFunctions::StateMachineVersion
aliases            AWS::StepFunctions::StateMachineAlias
alias_deployments  moves an alias to another version, gradually
activities         AWS::StepFunctions::Activity
"""

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler
from blueprints.local.services.cloudformation import GradualType, update_in_parallel
from blueprints.local.services.stepfunctions.resource_types import activities, aliases, state_machines, versions
from blueprints.local.services.stepfunctions.resource_types.alias_deployments import AliasDeployments
from blueprints.local.services.stepfunctions.resource_types.aliases import Aliases
from blueprints.local.services.stepfunctions.resource_types.service_calls import Call, ServiceCalls

REPLACING = Internal("services.cloudformation.provisioners", "_REPLACING_PROPERTIES")
STACK_TAGS = Internal("services.cloudformation.provisioners", "_STACK_TAG_PROPERTY")
CUSTOM_NAMES = Internal("services.cloudformation.provisioners", "_CUSTOM_NAME_REPLACEMENT")
ON_A_THREAD = Internal("services.cloudformation.stacks", "_runs_on_worker_thread", ("resource_type",))
DRIFT = Internal("services.cloudformation.drift", "_DRIFT_READERS")

_PREFIX = "AWS::StepFunctions::"
_MACHINE = f"{_PREFIX}StateMachine"
_VERSION = f"{_PREFIX}StateMachineVersion"
_ALIAS = f"{_PREFIX}StateMachineAlias"
_ACTIVITY = f"{_PREFIX}Activity"

__all__ = ["Call", "install", "resource_types"]


def install(call: Call) -> None:
    """Tell CloudFormation which properties replace a resource, which names and tags it has, and how to find drift."""
    REPLACING.current().update(
        {
            _MACHINE: ("StateMachineName", "StateMachineType"),
            _VERSION: ("StateMachineArn", "StateMachineRevisionId", "Description"),
            _ALIAS: ("Name",),
            _ACTIVITY: ("Name", "EncryptionConfiguration"),
        }
    )
    STACK_TAGS.current()[_ACTIVITY] = ("Tags", "list")
    CUSTOM_NAMES.current()[_ACTIVITY] = {
        "name": "Name",
        "requires_replacement": lambda old, new: (
            old.get("EncryptionConfiguration") != new.get("EncryptionConfiguration")
        ),
    }
    calls = ServiceCalls(call)
    DRIFT.current()[_MACHINE] = (lambda arn, _: None if calls.state_machine(arn) is None else {}, frozenset())
    runs_on_a_thread = ON_A_THREAD.current()
    # A deployment of an alias waits, so it may not run on the emulator's event loop.
    ON_A_THREAD.replace(
        lambda resource_type: resource_type.startswith(_PREFIX) or runs_on_a_thread(resource_type=resource_type)
    )
    update_in_parallel(_ALIAS, GradualType(aliases.is_gradual, aliases.moves))


def resource_types(call: Call, clock: Clock) -> dict[str, dict[str, Handler]]:
    """CloudFormation's handlers, by resource type."""
    calls = ServiceCalls(call)
    return {
        _MACHINE: state_machines.handlers(calls),
        _VERSION: versions.handlers(calls),
        _ALIAS: Aliases(calls, AliasDeployments(calls, clock)).handlers(),
        _ACTIVITY: activities.handlers(calls),
    }
