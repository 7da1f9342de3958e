"""What each of SAM's policy templates is given, and the calls it is meant for.

Calls are (boto3's name of the service, method, arguments). In the texts of parameters and arguments, `{name}` stands
for a resource that `sam_resources.py` makes. Source of the templates: samtranslator 1.115.
"""

from typing import Any, NamedTuple

Call = tuple[str, str, dict[str, Any]]


class Use(NamedTuple):
    """The parameters of a policy template, and the calls that a role with it may make."""

    parameters: dict[str, str]
    calls: list[Call]


TABLE = {"TableName": "{table}"}
KEY = {"id": {"S": "1"}}
TEXT = {"Data": "Hello"}

USES: dict[str, Use] = {
    "AMIDescribePolicy": Use({}, [("ec2", "describe_images", {})]),
    "AWSSecretsManagerGetSecretValuePolicy": Use(
        {"SecretArn": "{secret_arn}"},
        [
            ("secretsmanager", "get_secret_value", {"SecretId": "{secret_arn}"}),
            ("secretsmanager", "get_secret_value", {"SecretId": "{secret}"}),
        ],
    ),
    "AWSSecretsManagerRotationPolicy": Use(
        {"FunctionName": "{function}"},
        [
            ("secretsmanager", "describe_secret", {"SecretId": "{rotated_secret}"}),
            ("secretsmanager", "get_secret_value", {"SecretId": "{rotated_secret}"}),
            (
                "secretsmanager",
                "put_secret_value",
                {"SecretId": "{rotated_secret}", "SecretString": "new", "VersionStages": ["AWSPENDING"]},
            ),
            ("secretsmanager", "get_random_password", {}),
        ],
    ),
    "AcmGetCertificatePolicy": Use(
        {"CertificateArn": "{certificate_arn}"},
        [("acm", "get_certificate", {"CertificateArn": "{certificate_arn}"})],
    ),
    "AthenaQueryPolicy": Use(
        {"WorkGroupName": "{workgroup}"},
        [
            ("athena", "list_work_groups", {}),
            ("athena", "get_work_group", {"WorkGroup": "{workgroup}"}),
            ("athena", "list_query_executions", {"WorkGroup": "{workgroup}"}),
            ("athena", "list_named_queries", {"WorkGroup": "{workgroup}"}),
            (
                "athena",
                "create_named_query",
                {"Name": "q", "Database": "d", "QueryString": "SELECT 1", "WorkGroup": "{workgroup}"},
            ),
            ("athena", "get_named_query", {"NamedQueryId": "{named_query}"}),
        ],
    ),
    "CloudFormationDescribeStacksPolicy": Use({}, [("cloudformation", "describe_stacks", {"StackName": "{stack}"})]),
    "CloudWatchDashboardPolicy": Use(
        {},
        [
            ("cloudwatch", "put_dashboard", {"DashboardName": "sales", "DashboardBody": '{"widgets": []}'}),
            ("cloudwatch", "get_dashboard", {"DashboardName": "sales"}),
            ("cloudwatch", "list_dashboards", {}),
            ("cloudwatch", "list_metrics", {}),
        ],
    ),
    "CloudWatchDescribeAlarmHistoryPolicy": Use({}, [("cloudwatch", "describe_alarm_history", {})]),
    "CloudWatchPutMetricPolicy": Use(
        {},
        [
            (
                "cloudwatch",
                "put_metric_data",
                {"Namespace": "Shop", "MetricData": [{"MetricName": "Orders", "Value": 1}]},
            )
        ],
    ),
    "CodePipelineLambdaExecutionPolicy": Use(
        {},
        [
            ("codepipeline", "put_job_success_result", {"jobId": "00000000-0000-0000-0000-000000000000"}),
            (
                "codepipeline",
                "put_job_failure_result",
                {
                    "jobId": "00000000-0000-0000-0000-000000000000",
                    "failureDetails": {"type": "JobFailed", "message": "no"},
                },
            ),
        ],
    ),
    "CodePipelineReadOnlyPolicy": Use(
        {"PipelineName": "{pipeline}"}, [("codepipeline", "list_pipeline_executions", {"pipelineName": "{pipeline}"})]
    ),
    "DynamoDBBackupFullAccessPolicy": Use(
        TABLE,
        [
            ("dynamodb", "create_backup", {**TABLE, "BackupName": "nightly"}),
            ("dynamodb", "describe_continuous_backups", TABLE),
            ("dynamodb", "describe_backup", {"BackupArn": "{backup_arn}"}),
            ("dynamodb", "delete_backup", {"BackupArn": "{backup_arn}"}),
        ],
    ),
    "DynamoDBCrudPolicy": Use(
        TABLE,
        [
            ("dynamodb", "put_item", {**TABLE, "Item": {**KEY, "customer": {"S": "c"}}}),
            ("dynamodb", "get_item", {**TABLE, "Key": KEY}),
            (
                "dynamodb",
                "update_item",
                {
                    **TABLE,
                    "Key": KEY,
                    "UpdateExpression": "SET n = :n",
                    "ExpressionAttributeValues": {":n": {"N": "1"}},
                },
            ),
            (
                "dynamodb",
                "query",
                {
                    **TABLE,
                    "IndexName": "by-customer",
                    "KeyConditionExpression": "customer = :c",
                    "ExpressionAttributeValues": {":c": {"S": "c"}},
                },
            ),
            ("dynamodb", "scan", TABLE),
            ("dynamodb", "describe_table", TABLE),
            ("dynamodb", "batch_get_item", {"RequestItems": {"{table}": {"Keys": [KEY]}}}),
            ("dynamodb", "batch_write_item", {"RequestItems": {"{table}": [{"PutRequest": {"Item": KEY}}]}}),
            (
                "dynamodb",
                "transact_write_items",
                {
                    "TransactItems": [
                        {"ConditionCheck": {**TABLE, "Key": KEY, "ConditionExpression": "attribute_exists(id)"}},
                        {"Put": {**TABLE, "Item": {"id": {"S": "2"}}}},
                    ]
                },
            ),
            ("dynamodb", "transact_get_items", {"TransactItems": [{"Get": {**TABLE, "Key": KEY}}]}),
            ("dynamodb", "delete_item", {**TABLE, "Key": KEY}),
        ],
    ),
    "DynamoDBReadPolicy": Use(
        TABLE,
        [
            ("dynamodb", "get_item", {**TABLE, "Key": KEY}),
            ("dynamodb", "batch_get_item", {"RequestItems": {"{table}": {"Keys": [KEY]}}}),
            ("dynamodb", "scan", {**TABLE, "IndexName": "by-customer"}),
            ("dynamodb", "describe_table", TABLE),
        ],
    ),
    "DynamoDBReconfigurePolicy": Use(
        TABLE, [("dynamodb", "update_table", {**TABLE, "BillingMode": "PAY_PER_REQUEST"})]
    ),
    "DynamoDBRestoreFromBackupPolicy": Use(
        TABLE,
        [
            (
                "dynamodb",
                "restore_table_from_backup",
                {"TargetTableName": "{table}", "BackupArn": "{kept_backup_arn}"},
            ),
            ("dynamodb", "put_item", {**TABLE, "Item": KEY}),
        ],
    ),
    "DynamoDBStreamReadPolicy": Use(
        {**TABLE, "StreamName": "{stream_label}"},
        [
            ("dynamodbstreams", "describe_stream", {"StreamArn": "{stream_arn}"}),
            (
                "dynamodbstreams",
                "get_shard_iterator",
                {"StreamArn": "{stream_arn}", "ShardId": "{shard}", "ShardIteratorType": "TRIM_HORIZON"},
            ),
            ("dynamodbstreams", "get_records", {"ShardIterator": "{shard_iterator}"}),
        ],
    ),
    "DynamoDBWritePolicy": Use(
        TABLE,
        [
            ("dynamodb", "put_item", {**TABLE, "Item": KEY}),
            ("dynamodb", "batch_write_item", {"RequestItems": {"{table}": [{"PutRequest": {"Item": KEY}}]}}),
        ],
    ),
    "EC2DescribePolicy": Use({}, [("ec2", "describe_regions", {}), ("ec2", "describe_instances", {})]),
    "EKSDescribePolicy": Use({}, [("eks", "list_clusters", {}), ("eks", "describe_cluster", {"name": "web"})]),
    "EcsRunTaskPolicy": Use({"TaskDefinition": "web:1"}, [("ecs", "run_task", {"taskDefinition": "web:1"})]),
    "ElasticMapReduceAddJobFlowStepsPolicy": Use(
        {"ClusterId": "j-1"}, [("emr", "add_job_flow_steps", {"JobFlowId": "j-1", "Steps": []})]
    ),
    "ElasticMapReduceCancelStepsPolicy": Use(
        {"ClusterId": "j-1"}, [("emr", "cancel_steps", {"ClusterId": "j-1", "StepIds": ["s-1"]})]
    ),
    "ElasticMapReduceModifyInstanceFleetPolicy": Use(
        {"ClusterId": "j-1"},
        [
            ("emr", "list_instance_fleets", {"ClusterId": "j-1"}),
            ("emr", "modify_instance_fleet", {"ClusterId": "j-1", "InstanceFleet": {"InstanceFleetId": "if-1"}}),
        ],
    ),
    "ElasticMapReduceModifyInstanceGroupsPolicy": Use(
        {"ClusterId": "j-1"},
        [
            ("emr", "list_instance_groups", {"ClusterId": "j-1"}),
            ("emr", "modify_instance_groups", {"ClusterId": "j-1", "InstanceGroups": []}),
        ],
    ),
    "ElasticMapReduceSetTerminationProtectionPolicy": Use(
        {"ClusterId": "j-1"},
        [("emr", "set_termination_protection", {"JobFlowIds": ["j-1"], "TerminationProtected": True})],
    ),
    "ElasticMapReduceTerminateJobFlowsPolicy": Use(
        {"ClusterId": "j-1"}, [("emr", "terminate_job_flows", {"JobFlowIds": ["j-1"]})]
    ),
    "EventBridgePutEventsPolicy": Use(
        {"EventBusName": "{bus}"},
        [
            (
                "events",
                "put_events",
                {"Entries": [{"Source": "shop", "DetailType": "Sold", "Detail": "{}", "EventBusName": "{bus}"}]},
            )
        ],
    ),
    "FilterLogEventsPolicy": Use(
        {"LogGroupName": "{log_group}"}, [("logs", "filter_log_events", {"logGroupName": "{log_group}"})]
    ),
    "FirehoseCrudPolicy": Use(
        {"DeliveryStreamName": "{delivery_stream}"},
        [
            ("firehose", "create_delivery_stream", {"DeliveryStreamName": "{delivery_stream}"}),
            ("firehose", "describe_delivery_stream", {"DeliveryStreamName": "{delivery_stream}"}),
            ("firehose", "put_record", {"DeliveryStreamName": "{delivery_stream}", "Record": TEXT}),
        ],
    ),
    "FirehoseWritePolicy": Use(
        {"DeliveryStreamName": "{delivery_stream}"},
        [
            ("firehose", "put_record", {"DeliveryStreamName": "{delivery_stream}", "Record": TEXT}),
            ("firehose", "put_record_batch", {"DeliveryStreamName": "{delivery_stream}", "Records": [TEXT]}),
        ],
    ),
    "KMSDecryptPolicy": Use(
        {"KeyId": "{key}"},
        [
            ("kms", "decrypt", {"CiphertextBlob": "{ciphertext}"}),
            ("kms", "decrypt", {"CiphertextBlob": "{ciphertext}", "KeyId": "{key_alias}"}),
        ],
    ),
    "KMSEncryptPolicy": Use(
        {"KeyId": "{key}"},
        [
            ("kms", "encrypt", {"KeyId": "{key}", "Plaintext": "x"}),
            ("kms", "encrypt", {"KeyId": "{key_alias}", "Plaintext": "x"}),
        ],
    ),
    "KMSEncryptPolicy_v2": Use(
        {"KeyId": "{key}"}, [("kms", "generate_data_key", {"KeyId": "{key_alias}", "KeySpec": "AES_256"})]
    ),
    "KinesisCrudPolicy": Use(
        {"StreamName": "{stream}"},
        [
            ("kinesis", "describe_stream", {"StreamName": "{stream}"}),
            ("kinesis", "put_record", {"StreamName": "{stream}", "Data": "x", "PartitionKey": "p"}),
            ("kinesis", "put_records", {"StreamName": "{stream}", "Records": [{"Data": "x", "PartitionKey": "p"}]}),
            ("kinesis", "list_tags_for_stream", {"StreamName": "{stream}"}),
        ],
    ),
    "KinesisStreamReadPolicy": Use(
        {"StreamName": "{stream}"},
        [
            ("kinesis", "describe_stream_summary", {"StreamName": "{stream}"}),
            (
                "kinesis",
                "get_shard_iterator",
                {"StreamName": "{stream}", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"},
            ),
            ("kinesis", "get_records", {"ShardIterator": "{kinesis_iterator}"}),
        ],
    ),
    "LambdaInvokePolicy": Use(
        {"FunctionName": "{function}"},
        [
            ("lambda", "invoke", {"FunctionName": "{function}", "InvocationType": "DryRun"}),
            ("lambda", "invoke", {"FunctionName": "{function}", "Qualifier": "1", "InvocationType": "DryRun"}),
        ],
    ),
    "OrganizationsListAccountsPolicy": Use({}, [("organizations", "list_accounts", {})]),
    "Route53ChangeResourceRecordSetsPolicy": Use(
        {"HostedZoneId": "{zone}"},
        [
            (
                "route53",
                "change_resource_record_sets",
                {
                    "HostedZoneId": "{zone}",
                    "ChangeBatch": {
                        "Changes": [
                            {
                                "Action": "UPSERT",
                                "ResourceRecordSet": {
                                    "Name": "www.example.com",
                                    "Type": "A",
                                    "TTL": 60,
                                    "ResourceRecords": [{"Value": "192.0.2.1"}],
                                },
                            }
                        ]
                    },
                },
            )
        ],
    ),
    "S3CrudPolicy": Use(
        {"BucketName": "{bucket}"},
        [
            ("s3", "put_object", {"Bucket": "{bucket}", "Key": "k", "Body": "x", "ACL": "private"}),
            ("s3", "get_object", {"Bucket": "{bucket}", "Key": "k"}),
            ("s3", "list_objects_v2", {"Bucket": "{bucket}"}),
            ("s3", "get_bucket_location", {"Bucket": "{bucket}"}),
            ("s3", "delete_object", {"Bucket": "{bucket}", "Key": "k"}),
        ],
    ),
    "S3FullAccessPolicy": Use(
        {"BucketName": "{bucket}"},
        [
            ("s3", "put_object", {"Bucket": "{bucket}", "Key": "k", "Body": "x", "Tagging": "team=shop"}),
            ("s3", "get_object_tagging", {"Bucket": "{bucket}", "Key": "k"}),
            ("s3", "get_object_acl", {"Bucket": "{bucket}", "Key": "k"}),
            ("s3", "delete_objects", {"Bucket": "{bucket}", "Delete": {"Objects": [{"Key": "k"}]}}),
        ],
    ),
    "S3ReadPolicy": Use(
        {"BucketName": "{bucket}"},
        [
            ("s3", "get_object", {"Bucket": "{bucket}", "Key": "kept"}),
            ("s3", "head_object", {"Bucket": "{bucket}", "Key": "kept"}),
            ("s3", "list_objects_v2", {"Bucket": "{bucket}"}),
        ],
    ),
    "S3WritePolicy": Use(
        {"BucketName": "{bucket}"}, [("s3", "put_object", {"Bucket": "{bucket}", "Key": "k", "Body": "x"})]
    ),
    "SESBulkTemplatedCrudPolicy": Use(
        {"IdentityName": "shop@example.com"},
        [
            (
                "ses",
                "send_email",
                {
                    "Source": "shop@example.com",
                    "Destination": {"ToAddresses": ["shop@example.com"]},
                    "Message": {"Subject": TEXT, "Body": {"Text": TEXT}},
                },
            )
        ],
    ),
    "SESBulkTemplatedCrudPolicy_v2": Use(
        {"IdentityName": "shop@example.com", "TemplateName": "receipt"},
        [
            (
                "ses",
                "send_templated_email",
                {
                    "Source": "shop@example.com",
                    "Destination": {"ToAddresses": ["shop@example.com"]},
                    "Template": "receipt",
                    "TemplateData": "{}",
                },
            ),
            ("ses", "verify_email_identity", {"EmailAddress": "shop@example.com"}),
        ],
    ),
    "SESCrudPolicy": Use(
        {"IdentityName": "shop@example.com"},
        [
            (
                "ses",
                "send_raw_email",
                {
                    "Source": "shop@example.com",
                    "Destinations": ["shop@example.com"],
                    "RawMessage": {"Data": "Subject: Hello\r\n\r\nHello"},
                },
            )
        ],
    ),
    "SESEmailTemplateCrudPolicy": Use(
        {}, [("ses", "list_templates", {}), ("ses", "get_template", {"TemplateName": "receipt"})]
    ),
    "SESSendBouncePolicy": Use(
        {"IdentityName": "shop@example.com"},
        [
            (
                "ses",
                "send_bounce",
                {
                    "OriginalMessageId": "1",
                    "BounceSender": "shop@example.com",
                    "BouncedRecipientInfoList": [{"Recipient": "shop@example.com", "BounceType": "DoesNotExist"}],
                },
            )
        ],
    ),
    "SNSCrudPolicy": Use(
        {"TopicName": "{topic}"},
        [
            ("sns", "create_topic", {"Name": "{topic}-2"}),
            ("sns", "list_subscriptions_by_topic", {"TopicArn": "{topic_arn}"}),
            (
                "sns",
                "set_topic_attributes",
                {"TopicArn": "{topic_arn}", "AttributeName": "DisplayName", "AttributeValue": "Shop"},
            ),
            ("sns", "subscribe", {"TopicArn": "{topic_arn}", "Protocol": "sqs", "Endpoint": "{queue_arn}"}),
            ("sns", "publish", {"TopicArn": "{topic_arn}", "Message": "x"}),
        ],
    ),
    "SNSPublishMessagePolicy": Use(
        {"TopicName": "{topic}"},
        [
            ("sns", "publish", {"TopicArn": "{topic_arn}", "Message": "x"}),
            (
                "sns",
                "publish_batch",
                {"TopicArn": "{topic_arn}", "PublishBatchRequestEntries": [{"Id": "1", "Message": "x"}]},
            ),
        ],
    ),
    "SQSPollerPolicy": Use(
        {"QueueName": "{queue}"},
        [
            ("sqs", "get_queue_attributes", {"QueueUrl": "{queue_url}", "AttributeNames": ["All"]}),
            ("sqs", "receive_message", {"QueueUrl": "{queue_url}"}),
            ("sqs", "delete_message", {"QueueUrl": "{queue_url}", "ReceiptHandle": "none"}),
            (
                "sqs",
                "delete_message_batch",
                {"QueueUrl": "{queue_url}", "Entries": [{"Id": "1", "ReceiptHandle": "none"}]},
            ),
            (
                "sqs",
                "change_message_visibility_batch",
                {
                    "QueueUrl": "{queue_url}",
                    "Entries": [{"Id": "1", "ReceiptHandle": "none", "VisibilityTimeout": 1}],
                },
            ),
        ],
    ),
    "SQSSendMessagePolicy": Use(
        {"QueueName": "{queue}"},
        [
            ("sqs", "send_message", {"QueueUrl": "{queue_url}", "MessageBody": "x"}),
            ("sqs", "send_message_batch", {"QueueUrl": "{queue_url}", "Entries": [{"Id": "1", "MessageBody": "x"}]}),
        ],
    ),
    "SSMParameterReadPolicy": Use(
        {"ParameterName": "shop/limit"},
        [
            ("ssm", "describe_parameters", {}),
            ("ssm", "get_parameter", {"Name": "/shop/limit"}),
            ("ssm", "get_parameters", {"Names": ["/shop/limit"]}),
            ("ssm", "get_parameters_by_path", {"Path": "/shop/limit"}),
        ],
    ),
    "SSMParameterWithSlashPrefixReadPolicy": Use(
        {"ParameterName": "/shop/limit"},
        [
            ("ssm", "describe_parameters", {}),
            ("ssm", "get_parameter", {"Name": "/shop/limit"}),
            ("ssm", "get_parameters", {"Names": ["/shop/limit"]}),
            ("ssm", "get_parameters_by_path", {"Path": "/shop/limit"}),
        ],
    ),
    "ServerlessRepoReadWriteAccessPolicy": Use(
        {},
        [
            ("serverlessrepo", "get_application", {"ApplicationId": "{application_arn}"}),
            ("serverlessrepo", "list_application_versions", {"ApplicationId": "{application_arn}"}),
        ],
    ),
    "StepFunctionsCallbackPolicy": Use(
        {"StateMachineName": "{machine}"},
        [
            ("stepfunctions", "send_task_heartbeat", {"taskToken": "{task_token}"}),
            ("stepfunctions", "send_task_success", {"taskToken": "{task_token}", "output": "{}"}),
        ],
    ),
    "StepFunctionsExecutionPolicy": Use(
        {"StateMachineName": "{machine}"}, [("stepfunctions", "start_execution", {"stateMachineArn": "{machine_arn}"})]
    ),
    "StepFunctionsExecutionPolicy_v2": Use(
        {"StateMachineName": "{express_machine}"},
        [("stepfunctions", "start_sync_execution", {"stateMachineArn": "{express_machine_arn}"})],
    ),
    "VPCAccessPolicy": Use({}, [("ec2", "describe_network_interfaces", {})]),
}

ERRORS = {
    "describe_cluster": "ResourceNotFoundException",
    "run_task": "ClientException",
    "add_job_flow_steps": "InvalidRequestException",
    "list_instance_fleets": "InvalidRequestException",
    "modify_instance_fleet": "InvalidRequestException",
    "list_instance_groups": "InvalidRequestException",
    "modify_instance_groups": "InvalidRequestException",
    "put_job_success_result": "ValidationException",
    "put_job_failure_result": "ValidationException",
    "list_pipeline_executions": "PipelineNotFoundException",
    "create_delivery_stream": "ResourceInUseException",
    "restore_table_from_backup": "TableAlreadyExistsException",
    "send_bounce": "InvalidAction",
    "delete_message": "ReceiptHandleIsInvalid",
}
"""Calls that are allowed and then fail, because what they name does not exist or is not emulated, by method."""

WITHOUT_EFFECT: dict[str, list[Call]] = {
    # The statement names a resource, but the action has no resource-level permissions, and needs `*`.
    "DynamoDBBackupFullAccessPolicy": [("dynamodb", "list_backups", {})],
    "DynamoDBStreamReadPolicy": [("dynamodbstreams", "list_streams", {})],
    "KinesisStreamReadPolicy": [("kinesis", "list_streams", {}), ("kinesis", "describe_limits", {})],
    "SESBulkTemplatedCrudPolicy": [
        ("ses", "verify_email_identity", {"EmailAddress": "shop@example.com"}),
        ("ses", "get_identity_verification_attributes", {"Identities": ["shop@example.com"]}),
    ],
    "SESCrudPolicy": [
        ("ses", "verify_email_identity", {"EmailAddress": "shop@example.com"}),
        ("ses", "get_identity_verification_attributes", {"Identities": ["shop@example.com"]}),
    ],
    "ServerlessRepoReadWriteAccessPolicy": [
        ("serverlessrepo", "list_applications", {}),
        ("serverlessrepo", "create_application", {"Author": "shop", "Description": "A shop", "Name": "shop"}),
    ],
    # A state machine's token needs the permission on the machine; a token of no execution, on everything.
    "StepFunctionsCallbackPolicy": [("stepfunctions", "send_task_failure", {"taskToken": "none"})],
}
"""Grants of the templates that allow nothing, by the Service Authorization Reference; the calls are denied."""

NOT_EMULATED = {
    "CodeCommitCrudPolicy": "codecommit",
    "CodeCommitReadPolicy": "codecommit",
    "ComprehendBasicAccessPolicy": "comprehend",
    "CostExplorerReadOnlyPolicy": "ce",
    "EC2CopyImagePolicy": "ec2",
    "EFSWriteAccessPolicy": "elasticfilesystem",
    "ElasticsearchHttpPostPolicy": "es",
    "MobileAnalyticsWriteOnlyAccessPolicy": "mobileanalytics",
    "PinpointEndpointAccessPolicy": "mobiletargeting",
    "PollyFullAccessPolicy": "polly",
    "RekognitionDetectOnlyPolicy": "rekognition",
    "RekognitionFacesManagementPolicy": "rekognition",
    "RekognitionFacesPolicy": "rekognition",
    "RekognitionLabelsPolicy": "rekognition",
    "RekognitionNoDataAccessPolicy": "rekognition",
    "RekognitionReadPolicy": "rekognition",
    "RekognitionWriteOnlyAccessPolicy": "rekognition",
    "SageMakerCreateEndpointConfigPolicy": "sagemaker",
    "SageMakerCreateEndpointPolicy": "sagemaker",
    "TextractDetectAnalyzePolicy": "textract",
    "TextractGetResultPolicy": "textract",
    "TextractPolicy": "textract",
}
"""Templates for calls that the embedded AWS does not answer, by service."""
