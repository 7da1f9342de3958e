"""Takes the result of the SAM transform from the tools' cache if the template was transformed before.

The base emulator imports the transform where it applies it, so that an unchanged template needs no import of SAM's
translator, which takes longer than the transform. It gives the transform no parameters, so that everything which SAM
decides by a parameter, such as the configuration of a deployment, followed the default.
"""

import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.template.kept_expansions import kept_expansion

APPLY = tuple(
    Internal(
        f"services.cloudformation.{module}",
        "_apply_transforms",
        ("template", "provided_params", "previous_params"),
    )
    for module in ("engine", "handlers", "changesets")
)
VALUES = Internal(
    "services.cloudformation.engine", "_transform_parameters", ("template", "provided_params", "previous_params")
)

_TRANSFORM = "samtranslator.translator.transform"

_values: ContextVar[dict[str, str]] = ContextVar("parameters_of_the_transform", default={})  # noqa: B039 - never changed


def install() -> None:
    """Replace the translator's module by one with a cached `transform`, and give it the stack's parameters."""
    for each in APPLY:
        each.replace(_with_parameters(each.current()))
    spec = find_spec(_TRANSFORM)
    assert spec
    module = ModuleType(_TRANSFORM)
    module.__spec__ = spec
    module.transform = _transform  # type: ignore[attr-defined]
    sys.modules[_TRANSFORM] = module


def _with_parameters(original: Callable[..., Any]) -> Callable[..., Any]:
    def apply(template: dict[str, Any], provided_params: Any = None, previous_params: Any = None) -> Any:
        values = VALUES.current()(template, provided_params, previous_params)
        # SAM decides nothing by an ARN, and those of other stacks differ from run to run: no kept result would match.
        token = _values.set({name: value for name, value in values.items() if not str(value).startswith("arn:")})
        try:
            return original(template, provided_params, previous_params)
        finally:
            _values.reset(token)

    return apply


def _transform(template: dict[str, Any], parameters: dict[str, Any], policies: Any) -> dict[str, Any]:
    """Same as the translator's `transform`, but cached; `policies` loads the ARNs of managed policies."""
    parameters = {**_values.get(), **parameters}
    region = os.environ["AWS_DEFAULT_REGION"]  # the base emulator sets it to the request's Region
    return kept_expansion(
        [template, parameters, policies.load(), region], lambda: _transformed(template, parameters, policies, region)
    )


def _transformed(template: dict[str, Any], parameters: dict[str, Any], policies: Any, region: str) -> dict[str, Any]:
    from samtranslator.translator.arn_generator import ArnGenerator

    ArnGenerator.BOTO_SESSION_REGION_NAME = region  # else it remembers the Region of the first template
    spec = sys.modules[_TRANSFORM].__spec__
    assert spec
    assert spec.loader
    translator = module_from_spec(spec)
    spec.loader.exec_module(translator)
    made: dict[str, Any] = translator.transform(template, parameters, policies)
    return made
