"""AWS Systems Manager: parameters by name, several at once or below a path, and documents.

Sources: Service Authorization Reference, "AWS Systems Manager"; Systems Manager User Guide, "Restricting access to
Parameter Store parameters using IAM policies".
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

_PUBLIC = "aws/service/"
"""Parameters that AWS publishes have no account in their ARN."""


def _arn(call: Call, name: str) -> str:
    """The ARN of a parameter, which a request names by its name or ARN, with or without a version or label."""
    if name.startswith("arn:"):
        head, _, tail = name.partition(":parameter/")
        return f"{head}:parameter/{tail.partition(':')[0]}"
    plain = name.partition(":")[0].lstrip("/")
    account = "" if plain.startswith(_PUBLIC) else call.account
    return f"arn:aws:ssm:{call.region}:{account}:parameter/{plain}"


def _parameter(call: Call) -> str:
    name = call.text("Name")
    return _arn(call, name) if name else "*"


def _parameters(call: Call) -> list[str]:
    return [_arn(call, name) for name in call.texts("Names")] or ["*"]


def _path(call: Call) -> str:
    return _arn(call, call.text("Path"))


def _tagged(call: Call) -> str:
    name = call.text("ResourceId")
    return _arn(call, name) if name and call.request.get("ResourceType", "Parameter") == "Parameter" else "*"


def _document(call: Call) -> str:
    name = call.text("Name", "DocumentName")
    return call.arn(f"document/{name}") if name else "*"


def _overwrite(call: Call) -> Mapping[str, Any]:
    return {"ssm:Overwrite": str(bool(call.request.get("Overwrite"))).lower()}


def _recursive(call: Call) -> Mapping[str, Any]:
    return {"ssm:Recursive": str(bool(call.request.get("Recursive"))).lower()}


_OPERATIONS: Operations = {
    **{name: (Needs(name, _parameters),) for name in ("GetParameters", "DeleteParameters")},
    **{
        name: (Needs(name, _tagged),) for name in ("AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource")
    },
    **{
        name: (Needs(name, _parameter),)
        for name in (
            "DeleteParameter",
            "GetParameter",
            "GetParameterHistory",
            "LabelParameterVersion",
            "UnlabelParameterVersion",
        )
    },
    "GetParametersByPath": (Needs("GetParametersByPath", _path, keys=_recursive),),
    "PutParameter": (Needs("PutParameter", _parameter, keys=_overwrite),),
    "SendCommand": (Needs("SendCommand", _document),),
}
_OF_DOCUMENTS = by_operation("ssm", {}, default=_document)
_OF_OTHERS = by_operation("ssm", _OPERATIONS, default=any_resource)


def _authorizations(call: Call) -> list[Authorization]:
    is_document = call.operation.endswith("Document") and call.operation not in _OPERATIONS
    return (_OF_DOCUMENTS if is_document else _OF_OTHERS)(call)


SERVICES = {"ssm": _authorizations}
