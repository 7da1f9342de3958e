"""Checks the code of resolvers and functions of pipelines; mapping templates are refused by name."""

from collections.abc import Mapping
from typing import Any

from blueprints.local.services.appsync.code_evaluation import code_error
from blueprints.local.services.appsync.control_plane.data_sources import DATA_SOURCES
from blueprints.local.services.appsync.control_plane.errors import Refused, not_found
from blueprints.local.services.appsync.javascript import CodeFault, faults

_RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
_TEMPLATES = ("requestMappingTemplate", "responseMappingTemplate")


def check_source(api_id: str, given: Mapping[str, Any]) -> None:
    """Raises Refused unless the data source exists, and works without code if there is none."""
    name = str(given.get("dataSourceName") or "")
    source = (DATA_SOURCES.current().get(api_id) or {}).get(name)
    if source is None:
        raise not_found(f"No data source found named {name}")
    if not given.get("code") and not any(given.get(each) for each in _TEMPLATES) and source["type"] != "AWS_LAMBDA":
        raise Refused(f"The data source {name} needs code: only those of type AWS_LAMBDA work without.")


def check_code(given: Mapping[str, Any]) -> None:
    """Raises Refused for code that AppSync does not accept, and for mapping templates."""
    templates = [each for each in _TEMPLATES if given.get(each)]
    if templates:
        raise Refused(f"Mapping templates (VTL) are not emulated: {', '.join(templates)}. Use code for APPSYNC_JS.")
    code, runtime = given.get("code"), given.get("runtime")
    if not code and not runtime:
        return
    if not code or not runtime:
        raise Refused("code and runtime must be given together.")
    if {name: runtime.get(name) for name in _RUNTIME} != _RUNTIME:
        raise Refused(f"The runtime must be {_RUNTIME['name']}, version {_RUNTIME['runtimeVersion']}.")
    found = faults(str(code))
    if found:
        message = "The code contains one or more errors. " + " ".join(_fault_text(each) for each in found)
        details = {"reason": "CODE_ERROR", "detail": {"codeErrors": [code_error(each) for each in found]}}
        raise Refused(message, details=details)


def _fault_text(fault: CodeFault) -> str:
    return f"{fault.line}:{fault.column} {fault.message} ({fault.rule})"
