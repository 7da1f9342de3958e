"""Lets no one in: each function has only the permissions it needs; data is encrypted at rest and in transit."""

from collections.abc import Iterator
from typing import Any

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
from blueprints.promises.values import alternatives, always, at, items, mappings, text

# Actions without resource-level permissions in AWS's service authorization reference: they only work with "*".
_WITHOUT_RESOURCE = {
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "codepipeline:PutJobFailureResult",
    "codepipeline:PutJobSuccessResult",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "kinesis:ListStreams",
    "lambda:ListEventSourceMappings",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "secretsmanager:GetRandomPassword",
    "serverlessrepo:CreateApplication",
    "serverlessrepo:ListApplications",
    "sts:GetCallerIdentity",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# SAM's SQSSendMessagePolicy: a message, and a batch of them.
_OF_SAM = ("sqs:SendMessage*",)
_OPEN_POLICIES = ("FullAccess", "AdministratorAccess", "PowerUserAccess")
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def every_function_has_its_own_role(checked: CheckedPattern) -> Iterator[Finding]:
    """Every function has a role of its own, which the template creates."""
    taken: dict[str, str] = {}
    for function in checked.functions:
        role = checked.role_of(function)
        if role is None:
            message = f"{function} uses a role from outside the template; remove Role and write Policies."
            yield checked.finding_at(function, message, "Role")
        elif role.logical_id in taken:
            message = f"{function} shares its role with {taken[role.logical_id]}; give it Policies of its own."
            yield checked.finding_at(function, message, "Role")
        else:
            taken[role.logical_id] = function.logical_id


def no_action_is_a_wildcard(checked: CheckedPattern) -> Iterator[Finding]:
    """No policy allows actions with a wildcard."""
    for holder, statement in _allowing(checked):
        for action in [*items(statement.get("Action")), *items(statement.get("NotAction"))]:
            wildcard = "*" in text(action) and action not in _OF_SAM
            if wildcard or "NotAction" in statement:
                message = f"{holder} allows {text(action)}; write the actions that it uses, one by one."
                yield checked.finding(message, *checked.where(holder, text(action)))


def no_resource_is_a_wildcard(checked: CheckedPattern) -> Iterator[Finding]:
    """No policy allows an action on all resources, except actions without resource-level permissions."""
    for holder, statement in checked.statements():
        if statement.get("Effect") != "Allow" or "*" not in map(text, items(statement.get("Resource", "*"))):
            continue
        actions = [text(action) for action in items(statement.get("Action"))]
        for action in [action for action in actions if action not in _WITHOUT_RESOURCE]:
            message = f"{holder} allows {action} on everything; write the ARN of the resource that it is used on."
            yield checked.finding(message, *checked.where(holder, action))


def no_policy_is_wide_open(checked: CheckedPattern) -> Iterator[Finding]:
    """No role has an AWS managed policy that allows every action of a service."""
    for holder in checked.of_type("AWS::IAM::Role"):
        for policy in items(holder.properties.get("ManagedPolicyArns")):
            name = text(policy).rpartition("/")[2]
            if any(word in name for word in _OPEN_POLICIES):
                message = f"{holder} has {name}; write the actions that it uses, or a SAM policy template."
                yield checked.finding(message, *checked.where(holder, name))


def data_is_encrypted_at_rest(checked: CheckedPattern) -> Iterator[Finding]:
    """Every bucket, queue, topic, table and stream is encrypted, and the template says so."""
    for resource in checked.resources.values():
        missing = _not_encrypted(resource)
        if missing:
            yield checked.finding_at(resource, f"{resource} does not say how it is encrypted; write '{missing}'.")


def buckets_block_public_access(checked: CheckedPattern) -> Iterator[Finding]:
    """Every bucket has all four settings that block public access."""
    for bucket in checked.of_type("AWS::S3::Bucket"):
        blocked = list(mappings(bucket.properties, "PublicAccessBlockConfiguration"))
        for name in _BLOCKS:
            if not blocked or not all(always(each.get(name), expected=True) for each in blocked):
                message = f"{bucket} can be made public; write 'PublicAccessBlockConfiguration: {{{name}: true}}'."
                yield checked.finding_at(bucket, message, "PublicAccessBlockConfiguration", name)


def buckets_take_tls_only(checked: CheckedPattern) -> Iterator[Finding]:
    """Every bucket rejects requests without TLS, to itself and to its objects."""
    for bucket in checked.of_type("AWS::S3::Bucket"):
        policies = _policies(checked, bucket, "AWS::S3::BucketPolicy", "Bucket")
        statements = (statement for policy in policies for statement in _written(policy))
        if not any(_refuses_plain(each, "s3:*") and _covers_objects(each) for each in statements):
            message = f"{bucket} accepts requests without TLS; write an AWS::S3::BucketPolicy with {_tls_only('s3:*')}."
            yield checked.finding_at(bucket, message)


def queues_and_topics_with_a_policy_take_tls_only(checked: CheckedPattern) -> Iterator[Finding]:
    """A queue or topic that has a policy rejects requests without TLS."""
    for kind, name, action in (
        ("AWS::SQS::QueuePolicy", "Queues", "sqs:SendMessage"),
        ("AWS::SNS::TopicPolicy", "Topics", "sns:Publish"),
    ):
        for policy in checked.of_type(kind):
            if name in policy.properties and not any(_refuses_plain(each, action) for each in _written(policy)):
                message = f"{policy} accepts requests without TLS; write a statement with {_tls_only(action)}."
                yield checked.finding_at(policy, message)


def queue_and_topic_policies_name_one_resource(checked: CheckedPattern) -> Iterator[Finding]:
    """Every statement of a queue's or topic's policy names one resource; SQS and SNS refuse others."""
    for policy in checked.of_type("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        named = [each for statement in _written(policy) for each in alternatives(statement.get("Resource"))]
        if any(isinstance(each, list) and len(each) > 1 for each in named):
            message = f"{policy} names several resources in a statement; write a policy for each."
            yield checked.finding_at(policy, message)


def _tls_only(action: str) -> str:
    return f'\'Effect: Deny, Principal: "*", Action: {action}, Condition: {{Bool: {{aws:SecureTransport: "false"}}}}\''


def _allowing(checked: CheckedPattern) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Statements that allow something: of identities, and of resources that others may use."""
    resources = checked.of_type("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    for holder, statement in (*checked.statements(), *((each, own) for each in resources for own in _written(each))):
        if statement.get("Effect") == "Allow":
            yield holder, statement


def _written(policy: Resource) -> Iterator[dict[str, Any]]:
    return mappings(policy.properties, "PolicyDocument", "Statement")


def _policies(checked: CheckedPattern, resource: Resource, kind: str, name: str) -> Iterator[Resource]:
    return (policy for policy in checked.of_type(kind) if resource in checked.named(policy.properties.get(name)))


def _refuses_plain(statement: dict[str, Any], action: str) -> bool:
    service = action.partition(":")[0]
    return (
        statement.get("Effect") == "Deny"
        and any(each in ("*", {"AWS": "*"}) for each in items(statement.get("Principal")))
        and any(each in (action, f"{service}:*", "*") for each in items(statement.get("Action")))
        and any(always(each, expected=False) for each in at(statement, "Condition", "Bool", "aws:SecureTransport"))
    )


def _covers_objects(statement: dict[str, Any]) -> bool:
    """Whether a bucket policy's statement covers the bucket and its objects."""
    named = [text(each) for each in items(statement.get("Resource"))]
    return "*" in named or {name.endswith("/*") for name in named} == {True, False}


def _not_encrypted(resource: Resource) -> str:
    """What to write for a resource that does not say how it is encrypted; empty where it does."""
    properties = resource.properties
    if resource.type == "AWS::S3::Bucket" and not any(alternatives(properties.get("BucketEncryption"))):
        default = "{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}"
        return f"BucketEncryption: {{ServerSideEncryptionConfiguration: [{default}]}}"
    own_key = any(alternatives(properties.get("KmsMasterKeyId")))
    if resource.type == "AWS::SQS::Queue" and not (
        own_key or always(properties.get("SqsManagedSseEnabled"), expected=True)
    ):
        return "SqsManagedSseEnabled: true"
    if resource.type == "AWS::SNS::Topic" and not own_key:
        return "KmsMasterKeyId: alias/aws/sns"
    if resource.type == "AWS::DynamoDB::Table":
        enabled = list(at(properties, "SSESpecification", "SSEEnabled"))
        return (
            ""
            if enabled and all(always(each, expected=True) for each in enabled)
            else "SSESpecification: {SSEEnabled: true}"
        )
    if resource.type == "AWS::Kinesis::Stream" and not any(alternatives(properties.get("StreamEncryption"))):
        return "StreamEncryption: {EncryptionType: KMS, KeyId: alias/aws/kinesis}"
    return ""
