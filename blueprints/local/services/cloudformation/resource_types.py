"""What CloudFormation accepts here beyond the base emulator, and what it refuses that the base emulator lets pass."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_.function_code import reason_not_to_run

REGISTRY = Internal("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
PHYSICAL_NAME = Internal(
    "services.cloudformation.provisioners",
    "_physical_name",
    ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
)
CODE_FROM_S3 = Internal("services.lambda_svc", "_fetch_code_from_s3", ("bucket", "key", "version_id"))
FUNCTIONS = Internal("services.lambda_svc", "_functions")
MAPPINGS = Internal("services.lambda_svc", "_esms")
INTERNALS = (REGISTRY, PHYSICAL_NAME, CODE_FROM_S3, FUNCTIONS, MAPPINGS)

_NO_ROLLOUT = "no gradual deployment: an update moves the alias at once"
_NO_NETWORK = "stored; there is no network of its own, and no traffic is routed or filtered"
_NO_INSTANCES = "stored; capacity does not change by itself"

# Types that the base emulator lacks and no other resource needs in order to work: only stored.
_INERT = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _NO_INSTANCES,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _NO_INSTANCES,
    "AWS::ApplicationInsights::Application": "stored; nothing is monitored",
    "AWS::Budgets::Budget": "stored; nothing costs anything here",
    "AWS::CloudTrail::Trail": "stored; no calls are recorded",
    "AWS::CloudWatch::AnomalyDetector": "stored; no metric is watched",
    "AWS::CloudWatch::CompositeAlarm": "stored; it never changes its state",
    "AWS::CodeDeploy::Application": _NO_ROLLOUT,
    "AWS::CodeDeploy::DeploymentGroup": _NO_ROLLOUT,
    "AWS::EC2::EIP": _NO_NETWORK,
    "AWS::EC2::FlowLog": _NO_NETWORK,
    "AWS::EC2::NatGateway": _NO_NETWORK,
    "AWS::EC2::SecurityGroupEgress": _NO_NETWORK,
    "AWS::EC2::SecurityGroupIngress": _NO_NETWORK,
    "AWS::Events::Archive": "stored; no events are archived or replayed",
    "AWS::Logs::QueryDefinition": "stored; there are no saved queries",
    "AWS::ResourceGroups::Group": "stored; resources are not grouped",
    "AWS::SecretsManager::ResourcePolicy": "stored; the secret's policy is not checked",
    "AWS::SecretsManager::RotationSchedule": "stored; the secret is not rotated",
    "AWS::WAFv2::WebACLAssociation": "stored; no request is inspected",
    "AWS::XRay::Group": "stored; no traces",
    "AWS::XRay::SamplingRule": "stored; no traces",
}
INERT = frozenset(_INERT)
_OWN_ID = {"AWS::EC2::EIP": "AllocationId", "AWS::EC2::NatGateway": "NatGatewayId"}
"""Attributes that other resources read: the resource's own id."""

# Accepted without the behaviour; `run` and `up` list every such resource with this sentence.
NOT_EMULATED = {
    **_INERT,
    "AWS::Backup::BackupPlan": "stored; nothing is backed up",
    "AWS::CloudFront::Distribution": "stored; nothing answers at its domain name",
    "AWS::CloudFront::Function": "stored; it never runs",
    "AWS::CloudWatch::Dashboard": "stored; nothing draws it",
    "AWS::CloudWatch::Alarm": "stored; most metrics it would watch are not recorded yet",
    "AWS::EC2::SecurityGroup": _NO_NETWORK,
    "AWS::EC2::VPC": _NO_NETWORK,
    "AWS::EC2::VPCEndpoint": _NO_NETWORK,
    "AWS::ElastiCache::CacheCluster": "its engine runs only where Docker does",
    "AWS::ElastiCache::ReplicationGroup": "its engine runs only where Docker does",
    "AWS::OpenSearchService::Domain": "its engine runs only where Docker does",
    "AWS::Route53::RecordSet": "stored; its names do not resolve",
    "AWS::WAFv2::WebACL": "stored; no request is inspected",
}

_Create = Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]
_Update = Callable[..., tuple[str, dict[str, Any]]]


def install() -> None:
    """Add the inert types, and look at every function before it is made."""
    registry = REGISTRY.current()
    for inert in INERT:
        registry[inert] = {"create": _create_inert(inert), "update": _update_inert, "delete": _delete_inert}
    functions = registry["AWS::Lambda::Function"]
    registry["AWS::Lambda::Function"] = {
        **functions,
        "create": _checked_create(functions["create"]),
        "update": _checked_update(functions["update"]),
    }
    mappings = registry["AWS::Lambda::EventSourceMapping"]
    registry["AWS::Lambda::EventSourceMapping"] = {**mappings, "create": _honest_mapping(mappings["create"])}


def _checked_create(create: _Create) -> _Create:
    def checked(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        _check_function(props)
        physical_id, attributes = create(logical_id, props, stack_name)
        _complete_function(physical_id, props)
        return physical_id, attributes

    return checked


def _honest_mapping(create: _Create) -> _Create:
    def honest(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        physical_id, attributes = create(logical_id, props, stack_name)
        if str(props.get("Enabled", True)).lower() == "false":
            MAPPINGS.current()[physical_id]["State"] = "Disabled"  # a template's mapping says Enabled regardless
        return physical_id, attributes

    return honest


def _checked_update(update: _Update) -> _Update:
    def checked(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> tuple[str, dict[str, Any]]:
        _check_function(new)
        updated_id, attributes = update(physical_id, old, new, *rest)
        _complete_function(updated_id, new)
        return updated_id, attributes

    return checked


def _check_function(props: dict[str, Any]) -> None:
    """CloudFormation reports a ValueError as the reason the resource failed."""
    code = props.get("Code") or {}
    package_type = "Image" if code.get("ImageUri") else props.get("PackageType", "Zip")
    reason = reason_not_to_run({"PackageType": package_type, "Runtime": props.get("Runtime")})
    if reason:
        raise ValueError(f"This function cannot run on the embedded AWS: {reason}.")
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if bucket and CODE_FROM_S3.current()(bucket, key, code.get("S3ObjectVersion")) is None:
        raise ValueError(
            f"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
            f"The specified key does not exist: s3://{bucket}/{key}."
        )


def _complete_function(name: str, props: dict[str, Any]) -> None:
    """Settings of a function that the base emulator knows by API but forgets when a template gives them."""
    function = FUNCTIONS.current()[name]
    function["concurrency"] = props.get("ReservedConcurrentExecutions")
    function["config"]["DeadLetterConfig"] = props.get("DeadLetterConfig") or {}
    if props.get("KmsKeyArn"):
        function["config"]["KMSKeyArn"] = props["KmsKeyArn"]


def _create_inert(resource_type: str) -> _Create:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
        physical_id = PHYSICAL_NAME.current()(stack_name, logical_id)
        own = _OWN_ID.get(resource_type)
        return physical_id, {own: physical_id} if own else {}

    return create


def _update_inert(physical_id: str, old: dict[str, Any], new: dict[str, Any], *_: Any) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
    return physical_id, dict.fromkeys(_OWN_ID.values(), physical_id)


def _delete_inert(physical_id: str, props: dict[str, Any]) -> None:
    """Nothing was made, so nothing is to be removed."""
