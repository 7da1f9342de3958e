"""What the handlers of resources have to know about the operation that creates or updates their stack.

The base emulator stores the new template of a stack only when its update has ended.
"""

import copy
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.internals import Internal

STACKS = Internal("services.cloudformation", "_stacks")
DEPLOYS = tuple(
    Internal(
        f"services.cloudformation.{module}",
        "_deploy_stack_async",
        (
            "stack_name",
            "stack_id",
            "template",
            "param_values",
            "disable_rollback",
            "tags",
            "is_update",
            "previous_stack",
            "retain_except_on_create",
            "imports",
        ),
    )
    for module in ("handlers", "changesets")
)
RESOLVE = Internal(
    "services.cloudformation.engine",
    "_resolve_refs",
    ("value", "resources", "params", "conditions", "mappings", "stack_name", "stack_id"),
)
CONDITIONS = Internal("services.cloudformation.engine", "_evaluate_conditions", ("template", "params"))

_Object = dict[str, Any]


@dataclass
class Operation:
    """The creation or update of a stack that is under way. Nested stacks take part in it."""

    stack_name: str
    template: _Object
    parameters: _Object
    is_update: bool
    keeps_failures: bool
    """Whether nothing is rolled back: DisableRollback."""
    first_failure: tuple[str, str] | None = None
    """The stack and the logical id of the resource whose update failed first."""
    is_failing: bool = False
    """Whether a resource has failed, so that the updates of the others have to stop."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def definitions(self, stack_name: str) -> Mapping[str, _Object]:
        """The resources in the new template of the stack, or of a stack nested in it, by logical id."""
        template, _ = self._template_and_parameters(stack_name)
        return template.get("Resources") or {}

    def conditions(self, stack_name: str) -> Mapping[str, bool]:
        """The values of the conditions of such a template."""
        found: Mapping[str, bool] = CONDITIONS.current()(*self._template_and_parameters(stack_name))
        return found

    def resolved(self, stack_name: str, value: Any) -> Any:
        """A part of such a template with its references to parameters and to existing resources resolved.

        Raises ValueError if a resource has no attribute of that name.
        """
        template, parameters = self._template_and_parameters(stack_name)
        stack = STACKS.current().get(stack_name) or {}
        return RESOLVE.current()(
            copy.deepcopy(value),
            stack.get("_resources") or {},
            parameters,
            self.conditions(stack_name),
            template.get("Mappings") or {},
            stack_name,
            str(stack.get("StackId", "")),
        )

    def fail(self, stack_name: str, logical_id: str) -> bool:
        """Record that the update of a resource fails. Returns False if it fails because another one failed before."""
        with self._lock:
            if not self.is_failing:
                self.is_failing, self.first_failure = True, (stack_name, logical_id)
            return self.first_failure == (stack_name, logical_id)

    def stop(self) -> None:
        """Stop the updates that are under way: the operation fails for a reason of its own."""
        with self._lock:
            self.is_failing = True

    def _template_and_parameters(self, stack_name: str) -> tuple[_Object, _Object]:
        if stack_name == self.stack_name:
            return self.template, self.parameters
        nested = STACKS.current().get(stack_name) or {}  # it has its new template already
        return nested.get("_template") or {}, nested.get("_resolved_params") or {}


_operation: ContextVar[Operation | None] = ContextVar("stack_operation", default=None)


def current_operation() -> Operation | None:
    """The operation that the present call belongs to, or None: for example, during a deletion."""
    return _operation.get()


def install() -> None:
    """Remember each operation until it ends."""
    for each in DEPLOYS:
        each.replace(_remembering(each.current()))


def _remembering(original: Callable[..., Any]) -> Callable[..., Any]:
    async def deploy(
        stack_name: str,
        stack_id: str,
        template: _Object,
        param_values: _Object,
        disable_rollback: bool,
        tags: list[_Object],
        is_update: bool = False,
        *rest: Any,
        **more: Any,
    ) -> None:
        _operation.set(Operation(stack_name, template, param_values, bool(is_update), bool(disable_rollback)))
        await original(stack_name, stack_id, template, param_values, disable_rollback, tags, is_update, *rest, **more)

    return deploy
