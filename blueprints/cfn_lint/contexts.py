"""What cfn-lint knows at a place of a template: the path to it, and which conditions hold there."""

from collections.abc import Iterator
from typing import Any


def apply() -> None:
    """Replace the slow methods of cfn-lint's contexts."""
    from cfnlint.context.conditions import _conditions
    from cfnlint.context.context import Context, Path
    from cfnlint.helpers import FUNCTIONS

    context: Any = Context
    path: Any = Path
    context.evolve = _evolved_context
    path.descend = _descend_from(FUNCTIONS)
    path.evolve = changed
    _remember_scenarios(_conditions)


def changed(of: Any, /, **changes: Any) -> Any:
    """A copy of an object with other attributes, without running its `__init__`."""
    made = object.__new__(of.__class__)
    made.__dict__.update(of.__dict__)
    made.__dict__.update(changes)
    return made


def _evolved_context(context: Any, /, **changes: Any) -> Any:
    if "ref_values" in changes:
        changes["ref_values"] = {**context.ref_values, **changes["ref_values"]}
    made = changed(context, **changes)
    if "resources" in changes:
        made.__dict__.pop("module_names", None)  # a cached property made of the resources
    return made


def _descend_from(functions: frozenset[str]) -> Any:
    def descend(of: Any, /, **added: Any) -> Any:
        """The path with a part appended to each of the named deques."""
        named = added.get("cfn_path")
        if isinstance(named, int) or named in functions:
            raise ValueError(f"{named!r} cannot be in 'cfn_path'")
        longer = {}
        for name, last in added.items():
            if last is not None:
                longer[name] = getattr(of, name).copy()
                longer[name].append(last)
        return changed(of, **longer)

    return descend


def _remember_scenarios(module: Any) -> None:
    """Remember which combinations of conditions are possible: cfn-lint asks at nearly every place of a template."""
    conditions = module.Conditions
    evolve = conditions.evolve

    def evolve_once(self: Any, status: dict[str, bool], assumed: bool = False) -> Any:
        if not status:
            return self
        known = self.__dict__.setdefault("_evolved", {})
        key = (frozenset(status.items()), assumed)
        if key not in known:
            try:
                known[key] = evolve(self, status, assumed)
            except module.Unsatisfiable as error:
                known[key] = error
        found = known[key]
        if isinstance(found, module.Unsatisfiable):
            raise found.with_traceback(None)
        return found

    def evolve_from_instance(self: Any, instance: Any, context: Any) -> Iterator[tuple[Any, Any]]:
        names = module.get_conditions_from_property(instance)
        for scenario in self._build_conditions(names) if names else (self,):
            yield (
                module.build_instance_from_scenario(instance, scenario.status, is_root=True, context=context),
                scenario,
            )

    conditions.evolve = evolve_once
    conditions.evolve_from_instance = evolve_from_instance
