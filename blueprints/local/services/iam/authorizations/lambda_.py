"""AWS Lambda: functions by qualifier, event source mappings, layers and URLs.

A request with a qualifier, in the name or as a parameter, needs the permission on the version or alias.
Sources: Service Authorization Reference, "AWS Lambda"; Lambda Developer Guide, "Fine-tuning the Resources and
Conditions sections of policies".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

MAPPINGS = Internal("services.lambda_svc", "_esms")


def _segment_after(call: Call, name: str) -> str:
    """What follows a segment of the path, such as the function's name after `functions`; or ''."""
    segments = call.path.split("/")
    if name not in segments[:-1]:
        return ""
    return segments[segments.index(name) + 1]


def _function_arn(call: Call, name: str, qualifier: str = "") -> str:
    """A function's ARN by its name, partial ARN or ARN, each of which may have a qualifier."""
    if not name:
        return "*"
    if not name.startswith("arn:"):
        name = call.arn(f"function:{name.rpartition('function:')[2]}")
    is_qualified = name.count(":") > 6
    return f"{name}:{qualifier}" if qualifier and not is_qualified else name


def _function(call: Call) -> str:
    return _function_arn(call, _segment_after(call, "functions"), call.parameter("Qualifier"))


def _new_function(call: Call) -> str:
    return _function_arn(call, call.text("FunctionName"))


def _mapping(call: Call) -> str:
    return call.arn(f"event-source-mapping:{_segment_after(call, 'event-source-mappings')}")


def _function_of_mapping(call: Call) -> Mapping[str, Any]:
    """The function that the request names; otherwise the mapping's own."""
    mapping = MAPPINGS.current().get(_segment_after(call, "event-source-mappings")) or {}
    named = call.request.get("FunctionName") or mapping.get("FunctionArn")
    return {"lambda:FunctionArn": _function_arn(call, named)} if isinstance(named, str) else {}


def _layer(call: Call) -> str:
    """By its name or ARN."""
    named = _segment_after(call, "layers")
    return call.arn(named if named.startswith("arn:") else f"layer:{named}")


def _layer_version(call: Call) -> str:
    named = call.text("Arn")
    return named or f"{_layer(call)}:{_segment_after(call, 'versions')}"


def _layers(call: Call) -> Iterator[str]:
    """The layers that a function gets; its creator needs to be able to read them."""
    yield from call.texts("Layers")


def _tagged(call: Call) -> str:
    return call.path.partition("/tags/")[2] or "*"


def _signing_config(call: Call) -> str:
    named = _segment_after(call, "code-signing-configs") or call.text("CodeSigningConfigArn")
    return named if named.startswith("arn:") else call.arn(f"code-signing-config:{named}")


def _code(call: Call) -> Iterator[str]:
    """The object in S3 that has the code, which Lambda reads with the caller's permissions."""
    for given in (call.request.get("Code"), call.request.get("Content"), call.request):
        if isinstance(given, dict) and isinstance(given.get("S3Bucket"), str):
            yield f"arn:aws:s3:::{given['S3Bucket']}/{given.get('S3Key', '')}"


def _configuration(call: Call) -> Mapping[str, Any]:
    """The condition keys of a function's configuration."""
    vpc = call.request.get("VpcConfig")
    vpc = vpc if isinstance(vpc, dict) else {}
    lists = {
        "lambda:Layer": call.request.get("Layers"),
        "lambda:SubnetIds": vpc.get("SubnetIds"),
        "lambda:SecurityGroupIds": vpc.get("SecurityGroupIds"),
    }
    keys = {name: value for name, value in lists.items() if value and isinstance(value, list)}
    signing = call.text("CodeSigningConfigArn")
    return {**keys, "lambda:CodeSigningConfigArn": signing} if signing else keys


def _permission(call: Call) -> Mapping[str, Any]:
    keys = {"lambda:Principal": call.text("Principal"), "lambda:FunctionUrlAuthType": call.text("FunctionUrlAuthType")}
    return {name: value for name, value in keys.items() if value}


def _url(call: Call) -> Mapping[str, Any]:
    keys = {"lambda:FunctionArn": _function(call), "lambda:FunctionUrlAuthType": call.text("AuthType")}
    return {name: value for name, value in keys.items() if value}


def _on(resource: Callable[[Call], str], *operations: str) -> Operations:
    return {name: (Needs(name, resource),) for name in operations}


_READ_CODE = Needs("s3:GetObject", _code)
_READ_LAYERS = Needs("GetLayerVersion", _layers)

_OPERATIONS: Operations = {
    **_on(
        any_resource,
        "CreateCodeSigningConfig",
        "GetAccountSettings",
        "ListCodeSigningConfigs",
        "ListEventSourceMappings",
        "ListFunctions",
        "ListLayers",
        "ListLayerVersions",
    ),
    **_on(
        _layer_version,
        "AddLayerVersionPermission",
        "DeleteLayerVersion",
        "GetLayerVersion",
        "GetLayerVersionPolicy",
        "RemoveLayerVersionPermission",
    ),
    **_on(_tagged, "ListTags", "TagResource", "UntagResource"),
    **_on(
        _signing_config,
        "DeleteCodeSigningConfig",
        "GetCodeSigningConfig",
        "ListFunctionsByCodeSigningConfig",
        "UpdateCodeSigningConfig",
    ),
    **{
        name: (Needs(name, _mapping, keys=_function_of_mapping),)
        for name in ("DeleteEventSourceMapping", "GetEventSourceMapping", "UpdateEventSourceMapping")
    },
    **{
        name: (Needs(name, _function, keys=_url),)
        for name in (
            "CreateFunctionUrlConfig",
            "DeleteFunctionUrlConfig",
            "GetFunctionUrlConfig",
            "ListFunctionUrlConfigs",
            "UpdateFunctionUrlConfig",
        )
    },
    **{name: (Needs(name, _function, keys=_permission),) for name in ("AddPermission", "RemovePermission")},
    "CreateEventSourceMapping": (Needs("CreateEventSourceMapping", any_resource, keys=_function_of_mapping),),
    "CreateFunction": (Needs("CreateFunction", _new_function, keys=_configuration), _READ_CODE, _READ_LAYERS),
    "PublishLayerVersion": (Needs("PublishLayerVersion", _layer), _READ_CODE),
    "PutFunctionCodeSigningConfig": (
        Needs("PutFunctionCodeSigningConfig", _function),
        Needs("PutFunctionCodeSigningConfig", _signing_config),
    ),
    "UpdateFunctionCode": (Needs("UpdateFunctionCode", _function), _READ_CODE),
    "UpdateFunctionConfiguration": (
        Needs("UpdateFunctionConfiguration", _function, keys=_configuration),
        _READ_LAYERS,
    ),
}

SERVICES = {"lambda": by_operation("lambda", _OPERATIONS, default=_function)}
