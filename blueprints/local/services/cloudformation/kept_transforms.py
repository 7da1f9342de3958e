"""Takes the result of the SAM transform from the tools' cache if the template was transformed before.

The base emulator imports the transform where it applies it, so that an unchanged template needs no import of SAM's
translator, which takes longer than the transform.
"""

import os
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from blueprints.template.kept_expansions import kept_expansion

_TRANSFORM = "samtranslator.translator.transform"


def install() -> None:
    """Replace the translator's module by one with a cached `transform`."""
    spec = find_spec(_TRANSFORM)
    assert spec
    module = ModuleType(_TRANSFORM)
    module.__spec__ = spec
    module.transform = _transform  # type: ignore[attr-defined]
    sys.modules[_TRANSFORM] = module


def _transform(template: dict[str, Any], parameters: dict[str, Any], policies: Any) -> dict[str, Any]:
    """Same as the translator's `transform`, but cached; `policies` loads the ARNs of managed policies."""
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
