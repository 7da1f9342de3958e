"""Finds properties of a template that have no effect here; `run` and `up` list them with their consequence.

For each type, the table lists the properties that have an effect. All others count as without effect, including those
that AWS adds later, except properties that only affect costs, the console or names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services import iam

STACKS = Internal("services.cloudformation", "_stacks")

_KEY = "nothing is encrypted with the key, and its permissions are not checked"
_WITH_MANAGED_POLICIES = ("AWS::IAM::Role", "AWS::IAM::User")
_OTHERWISE = "accepted, not emulated"
# Names and descriptions, and what changes only costs, speed, or retention beyond this account's few minutes.
_QUIET = frozenset(
    (
        *("Tags", "Description", "Comment", "LicenseInfo", "DocumentationVersion", "SignatureVersion"),
        *("BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput", "TableClass"),
        *("DeletionProtectionEnabled", "DeletionProtection", "RetentionInDays", "LogGroupClass"),
        *("KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "FifoThroughputLimit", "FifoThroughputScope"),
    )
)
_OFF = ("", "false", "none", "no", "off", "disabled", "suspended", "passthrough", "buffered", "auto", "aes256")


def _names_a_key(value: Any) -> bool:
    return "kms" in str(value).lower()


def _is_private(value: Any) -> bool:
    return "PRIVATE" in str(value)


def _has_several(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1


def _more_than_throttles(value: Any) -> bool:
    settings = value if isinstance(value, list) else [value]
    names = ("LoggingLevel", "DataTraceEnabled", "MetricsEnabled", "CachingEnabled", "DetailedMetricsEnabled")
    return any(not _is_off(each.get(name)) for each in settings if isinstance(each, dict) for name in names)


def _terminates(value: Any) -> bool:
    return bool(value != "Allow")


def _grows_by_itself(value: Any) -> bool:
    return "ON_DEMAND" in str(value)


@dataclass(frozen=True)
class _Type:
    honoured: frozenset[str]
    reasons: Mapping[str, str]
    only_if: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)
    """For properties that have an effect with some values only: which have none."""


def _type(honoured: str, only_if: Mapping[str, Callable[[Any], bool]] | None = None, **reasons: str) -> _Type:
    return _Type(frozenset(honoured.split()), reasons, only_if or {})


_TYPES: dict[str, _Type] = {
    "AWS::Lambda::Function": _type(
        "Architectures Code DeadLetterConfig Environment EphemeralStorage FunctionName Handler ImageConfig Layers "
        "LoggingConfig MemorySize PackageType ReservedConcurrentExecutions Role Runtime Timeout KmsKeyArn",
        {"RecursiveLoop": _terminates},
        CapacityProviderConfig="it runs on this machine",
        CodeSigningConfigArn="signatures of code are not checked",
        DurableConfig="no durable executions: nothing is checkpointed or replayed",
        FileSystemConfigs="no file system is mounted",
        FunctionScalingConfig="it does not limit the number of environments",
        RecursiveLoop="recursive loops are not detected",
        RuntimeManagementConfig="this machine's runtime is used",
        SnapStart="no snapshot is taken: every environment is initialised",
        TenancyConfig="tenants share environments",
        TracingConfig="no traces: functions only get the trace header",
        VpcConfig="no network of its own: it reaches what this machine reaches",
    ),
    "AWS::Lambda::Alias": _type(
        "FunctionName FunctionVersion Name RoutingConfig",
        ProvisionedConcurrencyConfig="no environments are kept ready",
    ),
    "AWS::Lambda::Version": _type(
        "FunctionName CodeSha256",
        ProvisionedConcurrencyConfig="no environments are kept ready",
        RuntimePolicy="this machine's runtime is used",
        FunctionScalingConfig="it does not limit the number of environments",
    ),
    "AWS::Lambda::EventSourceMapping": _type(
        "BatchSize BisectBatchOnFunctionError DestinationConfig Enabled EventSourceArn FilterCriteria FunctionName "
        "FunctionResponseTypes MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts "
        "ParallelizationFactor ScalingConfig StartingPosition StartingPositionTimestamp",
        MetricsConfig="of the metrics of mappings, only OnFailureDestinationDeliveredEventCount is recorded",
    ),
    "AWS::Pipes::Pipe": _type(
        "DesiredState Name RoleArn Source SourceParameters Target TargetParameters",
        KmsKeyIdentifier=_KEY,
        LogConfiguration="the pipe writes no log",
    ),
    "AWS::Lambda::Url": _type(
        "AuthType Cors TargetFunctionArn Qualifier", InvokeMode="responses are not streamed"
    ),
    "AWS::CloudWatch::CompositeAlarm": _type(
        "ActionsEnabled AlarmActions AlarmDescription AlarmName AlarmRule InsufficientDataActions OKActions",
        ActionsSuppressor="actions are not suppressed",
        ActionsSuppressorExtensionPeriod="actions are not suppressed",
        ActionsSuppressorWaitPeriod="actions are not suppressed",
    ),
    "AWS::DynamoDB::Table": _type(
        "AttributeDefinitions GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes StreamSpecification TableName "
        "TimeToLiveSpecification SSESpecification",
        ContributorInsightsSpecification="no insights are gathered",
        ImportSourceSpecification="nothing is imported",
        KinesisStreamSpecification="changes are not sent to the Kinesis stream",
        PointInTimeRecoverySpecification="no backups are kept",
        ResourcePolicy="the table's policy is not checked",

    ),
    "AWS::DynamoDB::GlobalTable": _type(
        "AttributeDefinitions GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes StreamSpecification TableName "
        "TimeToLiveSpecification ReadProvisionedThroughputSettings WriteProvisionedThroughputSettings",
        {"Replicas": _has_several},
        Replicas="there is one Region here, and no replica in others",
        SSESpecification=_KEY,
    ),
    "AWS::S3::Bucket": _type(
        "BucketName CorsConfiguration NotificationConfiguration OwnershipControls "
        "PublicAccessBlockConfiguration VersioningConfiguration BucketEncryption",
        AccessControl="no access control list is set",
        AccelerateConfiguration="there is no accelerated endpoint",
        AnalyticsConfigurations="nothing is analysed",
        IntelligentTieringConfigurations="objects stay in their storage class",
        InventoryConfigurations="no inventories are written",
        LifecycleConfiguration="objects neither expire nor change their storage class",
        LoggingConfiguration="no access logs are written",
        MetadataConfiguration="no metadata tables are kept",
        MetricsConfigurations="no metrics are recorded",
        ObjectLockConfiguration="objects of a template's bucket are not locked",
        ObjectLockEnabled="objects of a template's bucket are not locked",
        ReplicationConfiguration="objects are not copied to other buckets",
        WebsiteConfiguration="there is no website endpoint",
    ),
    "AWS::AppSync::GraphQLApi": _type(
        "AdditionalAuthenticationProviders ApiType AuthenticationType EnvironmentVariables IntrospectionConfig "
        "LambdaAuthorizerConfig LogConfig Name OpenIDConnectConfig QueryDepthLimit ResolverCountLimit UserPoolConfig",
        {"Visibility": _is_private},
        EnhancedMetricsConfig="no metrics of resolvers, data sources and operations are recorded",
        OwnerContact="nobody is told",
        Visibility="no private endpoint: it can be reached on this machine, whatever the VPC",
        XrayEnabled="no traces",
    ),
    "AWS::AppSync::DataSource": _type(
        "ApiId DynamoDBConfig LambdaConfig Name ServiceRoleArn Type",
        MetricsConfig="no metrics of data sources are recorded",
    ),
    "AWS::AppSync::Resolver": _type(
        "ApiId Code CodeS3Location DataSourceName FieldName Kind MaxBatchSize PipelineConfig Runtime TypeName",
        CachingConfig="no response is cached",
        MetricsConfig="no metrics of resolvers are recorded",
    ),
    "AWS::SQS::Queue": _type(
        "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue MaximumMessageSize MessageRetentionPeriod "
        "QueueName ReceiveMessageWaitTimeSeconds RedrivePolicy VisibilityTimeout KmsMasterKeyId",
        RedriveAllowPolicy="every queue may use it as its dead-letter queue",
    ),
    "AWS::SNS::Topic": _type(
        "ContentBasedDeduplication DisplayName FifoTopic Subscription TopicName KmsMasterKeyId",
        ArchivePolicy="no messages are archived",
        DataProtectionPolicy="nothing is masked or refused",
        DeliveryStatusLogging="no delivery is logged",
        TracingConfig="no traces",
    ),
    "AWS::SNS::Subscription": _type(
        "Endpoint FilterPolicy FilterPolicyScope Protocol RawMessageDelivery RedrivePolicy Region TopicArn",
        DeliveryPolicy="deliveries are retried with default settings",
        ReplayPolicy="nothing is replayed",
    ),
    "AWS::ApiGateway::RestApi": _type(
        "ApiKeySourceType BinaryMediaTypes Body BodyS3Location FailOnWarnings Mode Name Parameters Policy",
        {"EndpointConfiguration": _is_private},
        DisableExecuteApiEndpoint="the default endpoint stays enabled",
        EndpointConfiguration="no private endpoint: it can be reached on this machine, whatever the VPC",
        MinimumCompressionSize="responses are not compressed",
        SecurityPolicy="there is no TLS here",
    ),
    "AWS::ApiGateway::Stage": _type(
        "DeploymentId RestApiId StageName Variables",
        {"MethodSettings": _more_than_throttles},
        AccessLogSetting="no access log is written",
        CacheClusterEnabled="responses are not cached",
        CacheClusterSize="responses are not cached",
        CanarySetting="every request goes to the stage's deployment",
        ClientCertificateId="integrations get no client certificate",
        MethodSettings="only throttling has an effect: no logs, no metrics, no cache",
        TracingEnabled="no traces",
    ),
    "AWS::ApiGateway::DomainName": _type(
        "DomainName CertificateArn RegionalCertificateArn",
        {"EndpointConfiguration": _is_private},
        EndpointConfiguration="no private endpoint",
        MutualTlsAuthentication="clients are not asked for certificates",
        SecurityPolicy="there is no TLS here",
    ),
    "AWS::ApiGatewayV2::Api": _type(
        "ApiKeySelectionExpression BasePath Body BodyS3Location CorsConfiguration CredentialsArn FailOnWarnings Name "
        "ProtocolType RouteKey RouteSelectionExpression Target Version IpAddressType",
        DisableExecuteApiEndpoint="the default endpoint stays enabled",
    ),
    "AWS::ApiGatewayV2::Stage": _type(
        "ApiId AutoDeploy DeploymentId StageName StageVariables",
        AccessLogSettings="no access log is written",
        ClientCertificateId="integrations get no client certificate",
        DefaultRouteSettings="requests are not throttled, logged or measured",
        RouteSettings="requests are not throttled, logged or measured",
    ),
    "AWS::ApiGatewayV2::DomainName": _type(
        "DomainName DomainNameConfigurations", MutualTlsAuthentication="clients are not asked for certificates"
    ),
    "AWS::StepFunctions::StateMachine": _type(
        "Definition DefinitionS3Location DefinitionString DefinitionSubstitutions LoggingConfiguration RoleArn "
        "StateMachineName StateMachineType",
        {"EncryptionConfiguration": _names_a_key},
        EncryptionConfiguration=_KEY,
        TracingConfiguration="no traces",
    ),
    "AWS::StepFunctions::StateMachineVersion": _type("StateMachineArn StateMachineRevisionId"),
    "AWS::StepFunctions::StateMachineAlias": _type("DeploymentPreference Name RoutingConfiguration StateMachineArn"),
    "AWS::StepFunctions::Activity": _type(
        "Name", {"EncryptionConfiguration": _names_a_key}, EncryptionConfiguration=_KEY
    ),
    "AWS::Kinesis::Stream": _type(
        "Name RetentionPeriodHours ShardCount RecordDistributionStrategy MaxRecordSizeInKiB StreamEncryption",
        {"StreamModeDetails": _grows_by_itself},
        DesiredShardLevelMetrics="no metrics of shards are recorded",
        StreamModeDetails="shards do not split by themselves",
    ),
    "AWS::Events::EventBus": _type(
        "Name EventSourceName Policy",
        DeadLetterConfig="events that fail for their key are not set aside",
        KmsKeyIdentifier=_KEY,
        LogConfig="no events are logged",
    ),
    "AWS::Scheduler::Schedule": _type(
        "EndDate FlexibleTimeWindow GroupName Name ScheduleExpression ScheduleExpressionTimezone StartDate State "
        "Target",
        KmsKeyArn=_KEY,
    ),
    "AWS::Glue::Job": _type(
        "Command DefaultArguments ExecutionClass ExecutionProperty GlueVersion MaxCapacity MaxRetries Name "
        "NonOverridableArguments NumberOfWorkers Role Timeout WorkerType",
        Connections="the job is in no VPC: it reaches what this machine reaches",
        JobRunQueuingEnabled="a run beyond the limit is refused, not queued",
        LogUri=_OTHERWISE,
        MaintenanceWindow="streaming jobs do not run here",
        NotificationProperty="no event is sent for a run that takes long",
        SecurityConfiguration=_KEY,
    ),
    "AWS::Logs::LogGroup": _type(
        "LogGroupName",
        DataProtectionPolicy="nothing is masked",
        FieldIndexPolicies="there are no indexes",
        KmsKeyId=_KEY,
    ),
    "AWS::SecretsManager::Secret": _type(
        "GenerateSecretString Name SecretString Type KmsKeyId",
        ReplicaRegions="there is one Region here, and no replica in others",
    ),
}  # fmt: skip


def without_effect(resource_type: str, properties: Mapping[str, Any]) -> dict[str, str]:
    """A resource's properties that have no effect here, each with its consequence.

    `properties` are resolved by CloudFormation. Properties that switch something off are left out.
    """
    if resource_type in _WITH_MANAGED_POLICIES:
        return _unknown_policies(properties)
    known = _TYPES.get(resource_type)
    if known is None:
        return {}
    return {
        name: known.reasons.get(name, _OTHERWISE)
        for name, value in properties.items()
        if name not in known.honoured and name not in _QUIET and _matters(known, name, value)
    }


def _unknown_policies(properties: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: "allows nothing: the content of "
        f"{', '.join(arn.rpartition('/')[2] for arn in arns)} is not known here; write out what you need"
        for name, arns in iam.unknown_policies_of(properties).items()
    }


def of_stack(name: str, within: str = "") -> list[dict[str, str]]:
    """Every such property of a stack and its nested stacks: `resource`, `type`, `property`, `consequence`."""
    found = []
    for logical_id, each in (STACKS.current().get(name) or {}).get("_resources", {}).items():
        kind, called = str(each.get("ResourceType")), f"{within}{logical_id}"
        for named, consequence in without_effect(kind, each.get("Properties") or {}).items():
            found.append({"resource": called, "type": kind, "property": named, "consequence": consequence})
        if kind == "AWS::CloudFormation::Stack":
            found += of_stack(_name_in(str(each.get("PhysicalResourceId"))), f"{called}.")
    return found


def _name_in(stack_id: str) -> str:
    return stack_id.split("/")[1] if "/" in stack_id else stack_id


def _matters(known: _Type, name: str, value: Any) -> bool:
    judge = known.only_if.get(name)
    return judge(value) if judge else not _is_off(value)


def _is_off(value: Any) -> bool:
    if isinstance(value, dict):
        if {str(each).lower() for name, each in value.items() if name.endswith(("Enabled", "Level"))} & {
            "false",
            "off",
        }:
            return True
        return all(_is_off(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_off(each) for each in value)
    return value is None or str(value).lower() in _OFF
