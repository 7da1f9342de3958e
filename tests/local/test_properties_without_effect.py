"""Properties that have no effect in the embedded AWS are listed; properties that have one are not."""

import io
import json

import pytest
from rich.console import Console

from blueprints.local.deployment import deploy
from blueprints.local.services.cloudformation.properties_without_effect import _TYPES, without_effect
from blueprints.template.schemas import schema_of
from blueprints.terminal import Terminal
from tests.local.resources import QUEUE, ROLE, function_resource

FUNCTION, TABLE, BUCKET, QUEUES = "AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"
API, STAGE = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage"

NAMED = [
    (FUNCTION, "TenancyConfig", {"TenantIsolationMode": "PER_TENANT"}),
    (FUNCTION, "DurableConfig", {"ExecutionTimeout": 60}),
    (FUNCTION, "SnapStart", {"ApplyOn": "PublishedVersions"}),
    (FUNCTION, "TracingConfig", {"Mode": "Active"}),
    (FUNCTION, "VpcConfig", {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}),
    (FUNCTION, "FileSystemConfigs", [{"Arn": "arn:aws:elasticfilesystem:…", "LocalMountPath": "/mnt/a"}]),
    (FUNCTION, "RuntimeManagementConfig", {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:…"}),
    (FUNCTION, "RecursiveLoop", "Terminate"),
    (FUNCTION, "OfNextYear", True),
    ("AWS::Lambda::Alias", "ProvisionedConcurrencyConfig", {"ProvisionedConcurrentExecutions": 1}),
    ("AWS::Lambda::EventSourceMapping", "MetricsConfig", {"Metrics": ["EventCount"]}),
    ("AWS::Pipes::Pipe", "LogConfiguration", {"Level": "ERROR"}),
    ("AWS::Lambda::Url", "InvokeMode", "RESPONSE_STREAM"),
    (TABLE, "KinesisStreamSpecification", {"StreamArn": "arn:aws:kinesis:…"}),
    (TABLE, "PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": True}),
    (TABLE, "ContributorInsightsSpecification", {"Enabled": "true"}),
    ("AWS::DynamoDB::GlobalTable", "Replicas", [{"Region": "us-east-1"}, {"Region": "eu-west-1"}]),
    (BUCKET, "ReplicationConfiguration", {"Role": "arn:…", "Rules": [{"Status": "Enabled"}]}),
    (BUCKET, "LifecycleConfiguration", {"Rules": [{"Status": "Enabled", "ExpirationInDays": 1}]}),
    (BUCKET, "LoggingConfiguration", {"DestinationBucketName": "logs"}),
    (BUCKET, "ObjectLockEnabled", True),
    (BUCKET, "InventoryConfigurations", [{"Id": "all"}]),
    (QUEUES, "RedriveAllowPolicy", {"redrivePermission": "denyAll"}),
    ("AWS::SNS::Topic", "ArchivePolicy", {"MessageRetentionPeriod": 1}),
    (API, "EndpointConfiguration", {"Types": ["PRIVATE"], "VpcEndpointIds": ["vpce-1"]}),
    (API, "DisableExecuteApiEndpoint", True),
    (STAGE, "AccessLogSetting", {"DestinationArn": "arn:…", "Format": "$context.requestId"}),
    (STAGE, "CacheClusterEnabled", True),
    (STAGE, "CanarySetting", {"PercentTraffic": 10}),
    (STAGE, "MethodSettings", [{"HttpMethod": "*", "ResourcePath": "/*", "LoggingLevel": "INFO"}]),
    ("AWS::AppSync::GraphQLApi", "XrayEnabled", True),
    ("AWS::AppSync::GraphQLApi", "Visibility", "PRIVATE"),
    ("AWS::AppSync::DataSource", "MetricsConfig", "ENABLED"),
    ("AWS::AppSync::Resolver", "CachingConfig", {"Ttl": 60}),
    ("AWS::ApiGateway::DomainName", "MutualTlsAuthentication", {"TruststoreUri": "s3://a/b"}),
    ("AWS::ApiGatewayV2::Stage", "AccessLogSettings", {"DestinationArn": "arn:…", "Format": "a"}),
    ("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings", {"ThrottlingRateLimit": 1}),
    (
        "AWS::StepFunctions::StateMachine",
        "EncryptionConfiguration",
        {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": "alias/own"},
    ),
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration", {"Enabled": True}),
    ("AWS::Kinesis::Stream", "DesiredShardLevelMetrics", ["IncomingBytes"]),
    ("AWS::Kinesis::Stream", "StreamModeDetails", {"StreamMode": "ON_DEMAND"}),
    ("AWS::Events::EventBus", "LogConfig", {"Level": "INFO"}),
    ("AWS::Logs::LogGroup", "DataProtectionPolicy", {"Name": "a"}),
]  # fmt: skip
QUIET = [
    (FUNCTION, {"Tags": [{"Key": "a", "Value": "b"}], "Description": "words", "MemorySize": 128, "Timeout": 3}),
    (FUNCTION, {"TracingConfig": {"Mode": "PassThrough"}, "SnapStart": {"ApplyOn": "None"}, "RecursiveLoop": "Allow"}),
    (FUNCTION, {"RuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"}, "VpcConfig": {"SubnetIds": []}}),
    (TABLE, {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}, "TableClass": "STANDARD"}),
    (TABLE, {"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"}, "BillingMode": "PAY_PER_REQUEST"}),
    ("AWS::DynamoDB::GlobalTable", {"Replicas": [{"Region": "us-east-1"}]}),
    (BUCKET, {"BucketEncryption": {"ServerSideEncryptionConfiguration":
        [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}}),
    (BUCKET, {"VersioningConfiguration": {"Status": "Enabled"}, "PublicAccessBlockConfiguration": {}}),
    (QUEUES, {"VisibilityTimeout": 30, "KmsMasterKeyId": "alias/aws/sqs"}),
    (QUEUES, {"SqsManagedSseEnabled": True, "FifoQueue": True}),
    (API, {"EndpointConfiguration": {"Types": ["REGIONAL"]}, "DisableExecuteApiEndpoint": False}),
    (STAGE, {"MethodSettings": [{"ThrottlingRateLimit": 1, "LoggingLevel": "OFF", "MetricsEnabled": False}]}),
    (STAGE, {"CacheClusterEnabled": "false", "TracingEnabled": False}),
    ("AWS::StepFunctions::StateMachine", {"LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": True}}),
    ("AWS::Kinesis::Stream", {"StreamModeDetails": {"StreamMode": "PROVISIONED"}, "ShardCount": 1}),
    ("AWS::Kinesis::Stream", {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}}),
    ("AWS::Logs::LogGroup", {"RetentionInDays": 7}),
    ("Custom::Thing", {"Anything": True}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "value"), NAMED, ids=lambda value: value if isinstance(value, str) else "")
def test_properties_without_effect_are_listed_with_their_consequence(kind, name, value):
    ((named, consequence),) = without_effect(kind, {name: value}).items()
    assert named == name
    assert len(consequence.split()) > 1


@pytest.mark.parametrize(("kind", "properties"), QUIET, ids=json.dumps)
def test_properties_with_effect_or_switched_off_are_not_listed(kind, properties):
    assert without_effect(kind, properties) == {}


@pytest.mark.parametrize("kind", _TYPES)
def test_the_table_names_properties_that_there_are(kind):
    known = set(schema_of(kind)["properties"])
    listed = _TYPES[kind]
    assert listed.honoured | set(listed.reasons) <= known
    assert set(listed.only_if) <= set(listed.reasons)
    assert not listed.honoured & set(listed.reasons)


def test_a_deployed_stack_lists_them_as_they_were_resolved(cloud):
    key = {"Fn::If": ["Never", "arn:aws:kms:us-east-1:000000000000:key/a", {"Ref": "AWS::NoValue"}]}
    tenants = {"TenantIsolationMode": "PER_TENANT"}
    source = "def handler(event, context): return 'fine'"
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Role": ROLE,
            "Function": function_resource(source, TenancyConfig=tenants, KmsKeyArn=key),
            "Queue": QUEUE,
            "Bucket": {"Type": BUCKET, "Properties": {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}]}}},
            "Absent": {"Type": BUCKET, "Condition": "Never", "Properties": {"ObjectLockEnabled": True}},
        },
    }
    deployed = deploy(cloud, "without-effect", json.dumps(template))
    listed = {(each["resource"], each["property"]) for each in deployed.not_emulated}
    assert listed == {("Function", "TenancyConfig"), ("Bucket", "LifecycleConfiguration")}


def test_they_are_printed_as_name_type_and_property():
    terminal = Terminal()
    terminal._console = Console(file=(printed := io.StringIO()), width=200)
    listed = [
        {"resource": name, "type": FUNCTION, "property": "TenancyConfig", "consequence": "tenants share environments"}
        for name in ("Fn", "Other")
    ]
    terminal._show_not_emulated(listed)
    assert "Fn, Other (AWS::Lambda::Function).TenancyConfig: tenants share environments" in printed.getvalue()
