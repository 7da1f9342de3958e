"""Ways to break the good pattern: a few characters each, and what has to be found then."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Broken:
    """One change to one file, the rule that it breaks, and words on the line where that has to be said."""

    rule: str
    old: str
    new: str
    line: str
    """Words on the line that is to be named; the first line that has them counts. Empty: the first line."""
    file: str = "template.yaml"
    also: frozenset[str] = field(default_factory=frozenset)
    """Rules that the same change cannot help breaking."""
    more: tuple[str, str] | None = None
    """A second change to the same file, old and new words."""


def broken(
    rule: str,
    old: str,
    new: str,
    line: str,
    *also: str,
    file: str = "template.yaml",
    more: tuple[str, str] | None = None,
) -> Broken:
    return Broken(rule, old, new, line, file, frozenset(also), more)


_ERRORS_ALARM = "      MetricName: Errors\n"
_FLAG = '    AllowedValues: ["true", "false"]\n'

ONE_CLICK = [
    broken("every-parameter-has-a-default", '    Default: "false"\n', "", "  Loudly:"),
    broken("every-parameter-has-a-description", "    Description: Whether greetings are shouted.\n", "", "  Loudly:"),
    broken(
        "every-output-has-a-description", "    Description: Put a name here and it is greeted\n", "", "@Outputs Stream"
    ),
    broken(
        "nothing-has-a-fixed-name",
        "      BucketEncryption:",
        "      BucketName: failed\n      BucketEncryption:",
        "BucketName",
    ),
    broken(
        "nothing-has-a-fixed-name",
        "      Handler: greet.",
        "      FunctionName: greet\n      Handler: greet.",
        "FunctionName",
    ),
    broken(
        "nothing-has-a-fixed-name",
        "      RetentionInDays",
        "      LogGroupName: !Ref AWS::StackName\n      RetentionInDays",
        "LogGroupName",
    ),
    broken(
        "deployment-hooks-are-named-for-codedeploy",
        "CodeDeployHook_${Id}_probe",
        "Hook_${Id}_probe",
        "      FunctionName: !Sub",
    ),
    broken(
        "deployment-hooks-are-named-for-codedeploy", "${Id}_probe", "${Id}_probe_of_greet", "      FunctionName: !Sub"
    ),
    broken(
        "deployment-hooks-are-named-for-codedeploy", "Id: !Select [2, ", "Id: !Select [1, ", "      FunctionName: !Sub"
    ),
    broken(
        "only-the-sam-transform-is-used",
        "Transform: AWS::Serverless-2016-10-31",
        "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]",
        "Transform:",
    ),
    broken("application-metadata-is-complete", "    SpdxLicenseId: MIT-0\n", "", "  AWS::ServerlessRepo::Application:"),
    broken("application-metadata-is-complete", "    ReadmeUrl: README.md\n", "", "  AWS::ServerlessRepo::Application:"),
    broken("application-metadata-is-within-limits", "Author: serverless-blueprints", "Author: Some One", "Author"),
    broken("application-metadata-is-within-limits", "Name: good-pattern", "Name: " + "n" * 141, "    Name:"),
    broken("application-metadata-is-within-limits", "[greeting, lambda]", "[greeting, 'a b']", "Labels"),
    broken("application-metadata-is-within-limits", "LicenseUrl: LICENSE", "LicenseUrl: COPYING", "LicenseUrl"),
    broken(
        "application-metadata-is-within-limits", "SemanticVersion: 0.1.0", "SemanticVersion: 0.01.0", "SemanticVersion"
    ),
    broken("application-metadata-is-literal", "Name: good-pattern", "Name: !Ref Environment", "    Name:"),
    broken(
        "architectures-are-literal",
        "Architectures: [arm64]",
        "Architectures: [!Ref Processor]",
        "Architectures",
        "readme-lists-every-parameter-and-output",
        "changed-parameters-make-a-version",
        more=(
            "Conditions:",
            "  Processor:\n    Type: String\n    Default: arm64\n    Description: Which.\n\nConditions:",
        ),
    ),
]

ENVIRONMENTS = [
    broken("environment-is-a-parameter", "[dev, staging, prod]", "[dev, prod]", "    AllowedValues: [dev, prod]"),
    broken(
        "environment-switches-something",
        "!Equals [!Ref Environment, prod]",
        "!Equals [!Ref AWS::Region, x]",
        "  Environment:",
    ),
    broken("a-feature-flag-switches-something", '!If [IsLoud, "yes", "no"]', '"no"', "  Loudly:"),
    broken("a-feature-flag-switches-something", _FLAG, "", "Parameters:"),
    broken(
        "environment-variables-are-encrypted-with-ones-own-key",
        "    KmsKeyArn: !If [HasKmsKey, !Ref KmsKeyArn, !Ref AWS::NoValue]\n",
        "",
        "  Greet:",
    ),
    broken(
        "samconfig-has-every-environment",
        '"Environment=staging',
        '"Environment=prod',
        "[staging.deploy",
        file="samconfig.toml",
    ),
    broken("samconfig-has-every-environment", "[prod.", "[live.", "", file="samconfig.toml"),
    broken("samconfig-has-every-environment", '"good-prod"', '"good-dev"', "[prod.deploy", file="samconfig.toml"),
    broken(
        "samconfig-can-be-read",
        "version = 0.1",
        "version = ",
        "version",
        "samconfig-has-every-environment",
        file="samconfig.toml",
    ),
    broken("samconfig-sets-parameters-that-exist", "Loudly=", "Loud=", "[staging.deploy", file="samconfig.toml"),
    broken(
        "readme-says-when-to-split",
        "Split stacks when two teams deploy; split accounts between prod and the rest.",
        ".",
        "",
        file="README.md",
    ),
]

VERSIONS = [
    broken(
        "changed-properties-make-a-version",
        "AutoPublishAliasAllProperties: true",
        "AutoPublishAliasAllProperties: false",
        "AutoPublishAliasAllProperties",
    ),
    broken("changed-parameters-make-a-version", "${Loudly} ${KmsKeyArn}", "${KmsKeyArn}", "VersionDescription"),
    broken("changed-parameters-make-a-version", "${Loudly} ${KmsKeyArn}", "${Loudly}", "VersionDescription"),
    broken("old-versions-are-kept", "    UpdateReplacePolicy: Retain\n", "", "@Greet"),
]

GRADUALLY = [
    broken(
        "deployment-preference-offers-what-codedeploy-has",
        "      - Canary10Percent15Minutes\n",
        "",
        "@DeploymentPreference AllowedValues",
    ),
    broken(
        "events-reach-an-alias",
        "      AutoPublishAlias: live",
        "      AutoPublishAlias: stable",
        "AutoPublishAlias",
    ),
    broken(
        "events-reach-an-alias",
        "  Guests:",
        "  Shortcut:\n    Type: AWS::Lambda::Permission\n    Properties:\n      Action: lambda:InvokeFunction\n"
        "      FunctionName: !Ref Greet\n      Principal: apigateway.amazonaws.com\n\n  Guests:",
        "  Shortcut:",
    ),
    broken(
        "functions-are-deployed-by-preference",
        "Type: !Ref DeploymentPreference",
        "Type: AllAtOnce",
        "        Type: AllAtOnce",
    ),
    broken("alarms-stop-a-deployment", "        Alarms: [!Ref GreetErrors]\n", "", "      DeploymentPreference:"),
    broken("a-probe-runs-before-traffic", "          PreTraffic: !Ref ProbeGreet\n", "", "      DeploymentPreference:"),
    broken("a-check-runs-after-traffic", "          PostTraffic: !Ref CheckGreet\n", "", "      DeploymentPreference:"),
    broken(
        "deployment-hooks-are-deployed-at-once",
        "      Handler: check_greet.handler\n      DeploymentPreference:\n        Enabled: false\n",
        "      Handler: check_greet.handler\n",
        "  CheckGreet:",
    ),
    broken(
        "deployment-hooks-may-report",
        "Action: codedeploy:PutLifecycleEventHookExecutionStatus\n              Resource: !Sub arn:${AWS::Partition}:"
        "codedeploy:${AWS::Region}:${AWS::AccountId}:deploymentgroup:*\n            - Effect",
        "Action: codedeploy:GetDeployment\n              Resource: !Ref KmsKeyArn\n            - Effect",
        "@ProbeGreet Policies",
    ),
    broken("deployment-hooks-may-invoke-what-they-probe", "${Greet.Arn}:*", "${Requests.Arn}", "@ProbeGreet Policies"),
]

WATCHED = [
    broken("errors-raise-an-alarm", _ERRORS_ALARM, "      MetricName: Invocations\n", "  Greet:"),
    broken("throttles-raise-an-alarm", "MetricName: Throttles", "MetricName: Duration", "  Greet:"),
    broken("lagging-streams-raise-an-alarm", "MetricName: IteratorAge", "MetricName: Duration", "  Greet:"),
    broken("undeliverable-failures-raise-an-alarm", "DestinationDeliveryFailures", "DeadLetterErrors", "  Greet:"),
    broken(
        "dead-letters-raise-an-alarm", "!GetAtt DeadLetters.QueueName", "!GetAtt Requests.QueueName", "  DeadLetters:"
    ),
    broken(
        "undelivered-events-raise-an-alarm", "MetricName: FailedInvocations", "MetricName: Invocations", "        Came:"
    ),
    broken(
        "failed-executions-raise-an-alarm", "MetricName: ExecutionsFailed", "MetricName: ExecutionsStarted", "  Visit:"
    ),
    broken(
        "alarms-reach-the-topic",
        "      Threshold: 60000\n      ComparisonOperator: GreaterThanOrEqualToThreshold\n"
        "      AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]\n",
        "      Threshold: 60000\n      ComparisonOperator: GreaterThanOrEqualToThreshold\n",
        "  GreetLags:",
    ),
    broken(
        "there-is-one-dashboard",
        "Outputs:",
        "  Second:\n    Type: AWS::CloudWatch::Dashboard\n    Properties:\n      DashboardBody: '{}'\n\nOutputs:",
        "  Second:",
    ),
    broken("logs-are-kept-for-a-while", "      RetentionInDays: 30\n", "      LogGroupClass: STANDARD\n", "  Logs:"),
    broken("logs-are-kept-for-a-while", "      LogGroup: !Ref Logs\n", "", "    LoggingConfig:"),
    broken("logs-are-structured", "      LogFormat: JSON\n", "", "    LoggingConfig:"),
    broken("work-is-traced", "    Tracing: Active", "    Tracing: PassThrough", "    Tracing: PassThrough"),
    broken(
        "work-is-traced", "        Enabled: true\n\n  Passers", "        Enabled: false\n\n  Passers", "      Tracing:"
    ),
]

LOSES_NOTHING = [
    broken(
        "asynchronous-failures-are-set-aside",
        "      EventInvokeConfig:\n        DestinationConfig:\n          OnFailure:\n            Type: SQS\n"
        "            Destination: !GetAtt DeadLetters.Arn\n",
        "",
        "  Greet:",
    ),
    broken(
        "undelivered-events-are-set-aside",
        "            RetryPolicy:\n              MaximumRetryAttempts: 10\n",
        "",
        "        Came:",
    ),
    broken(
        "undelivered-events-are-set-aside",
        "            DeadLetterConfig:\n              Arn: !GetAtt DeadLetters.Arn\n",
        "",
        "        Came:",
    ),
    broken(
        "rules-may-send-to-their-dead-letters",
        "aws:SourceArn: !GetAtt GreetCame.Arn",
        "aws:SourceArn: x",
        "  DeadLetters:",
    ),
    broken(
        "streams-set-aside-whole-records",
        "                Type: S3\n                Destination: !GetAtt Failed.Arn",
        "                Type: SQS\n                Destination: !GetAtt DeadLetters.Arn",
        "@Greet Passed DestinationConfig",
    ),
    broken(
        "failed-batches-are-reported-in-part",
        "            Queue: !GetAtt Requests.Arn\n            FunctionResponseTypes: [ReportBatchItemFailures]",
        "            Queue: !GetAtt Requests.Arn",
        "        Asked:",
    ),
    broken(
        "failed-stream-batches-are-bisected",
        "BisectBatchOnFunctionError: true",
        "BisectBatchOnFunctionError: false",
        "BisectBatch",
    ),
    broken(
        "streams-are-not-blocked-for-ever",
        "MaximumRetryAttempts: 5",
        "MaximumRetryAttempts: -1",
        "MaximumRetryAttempts: -1",
    ),
    broken(
        "queues-have-redrive",
        "      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt DeadLetters.Arn\n        maxReceiveCount: 5\n",
        "",
        "  Requests:",
    ),
    broken("dead-letters-are-kept-for-two-weeks", "      MessageRetentionPeriod: 1209600\n", "", "  DeadLetters:"),
    broken("what-was-set-aside-can-be-replayed", "replay.py", "the console", "", file="README.md"),
    broken("what-was-set-aside-can-be-replayed", "replay.py", "replay_all.py", "replay_all.py", file="README.md"),
]

_VISIT = "visit.asl.yaml"
_VISIT_POLICIES = """      Policies:
        - Statement:
            - Effect: Allow
              Action: sqs:SendMessage
              Resource: !GetAtt Requests.Arn
            - Effect: Allow
              Action:
                - logs:CreateLogDelivery
                - logs:DeleteLogDelivery
                - logs:DescribeLogGroups
                - logs:DescribeResourcePolicies
                - logs:GetLogDelivery
                - logs:ListLogDeliveries
                - logs:PutResourcePolicy
                - logs:UpdateLogDelivery
              Resource: "*"
"""

STATE_MACHINES = [
    broken(
        "definitions-are-valid",
        "Next: Leave",
        "Next: Go",
        "Next: Go",
        "readme-shows-every-state-machine",
        file=_VISIT,
    ),
    broken(
        "definitions-are-valid",
        "$states.context.Task.Token",
        "$states.context.(",
        "token:",
        file=_VISIT,
    ),
    broken(
        "jsonata-states-have-no-jsonpath",
        'token: "{% $states.context.Task.Token %}"',
        "token.$: $$.Task.Token",
        "token.$:",
        file=_VISIT,
    ),
    broken("state-machines-time-out", "TimeoutSeconds: 3600\n", "", "Comment", file=_VISIT),
    broken(
        "waiting-tasks-time-out",
        '    HeartbeatSeconds: "{% $states.input.patience %}"\n',
        "",
        "  Ask:",
        file=_VISIT,
    ),
    broken("executions-are-logged-without-payloads", "Level: ALL", 'Level: "OFF"', "      Logging:"),
    broken(
        "executions-are-logged-without-payloads",
        "IncludeExecutionData: false",
        "IncludeExecutionData: true",
        "IncludeExecutionData",
    ),
    broken(
        "roles-of-state-machines-may-write-logs", "                - logs:UpdateLogDelivery\n", "", "@Visit Policies"
    ),
    broken(
        "roles-of-distributed-maps-may-run-executions",
        "    Type: Succeed\n",
        "    Type: Map\n    ItemProcessor: {ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}, "
        "StartAt: One, States: {One: {Type: Succeed}}}\n    End: true\n",
        "  Leave:",
        "readme-shows-every-state-machine",
        file=_VISIT,
    ),
    broken(
        "every-state-machine-has-its-own-role",
        _VISIT_POLICIES,
        "      Role: !GetAtt GreetRole.Arn\n",
        "      Role:",
        "roles-of-state-machines-may-write-logs",
    ),
    broken(
        "every-state-machine-has-its-own-role",
        _VISIT_POLICIES,
        "      Role: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:role/visit\n",
        "      Role:",
    ),
    broken(
        "state-machines-are-deployed-gradually",
        "AutoPublishAlias: live\n      UseAliasAsEventTarget",
        "AutoPublishAlias: main\n      UseAliasAsEventTarget",
        "AutoPublishAlias: main",
    ),
    broken(
        "state-machines-are-deployed-gradually",
        "        Alarms: [!Ref VisitsFailed]\n",
        "",
        "@Visit DeploymentPreference",
    ),
    broken("events-start-the-alias-of-a-state-machine", "      UseAliasAsEventTarget: true\n", "", "        Daily:"),
    broken("unfinished-executions-raise-an-alarm", "MetricName: ExecutionsAborted", "MetricName: Other", "  Visit:"),
]

LETS_NO_ONE_IN = [
    broken(
        "every-function-has-its-own-role",
        "      Handler: check_greet.handler\n",
        "      Handler: check_greet.handler\n      Role: !GetAtt ProbeGreetRole.Arn\n",
        "      Role:",
    ),
    broken(
        "every-function-has-its-own-role",
        "      Handler: greet.handler\n",
        "      Handler: greet.handler\n      Role: arn:aws:iam::123456789012:role/any\n",
        "      Role:",
    ),
    broken("no-action-is-a-wildcard", "Action: s3:PutObject", "Action: s3:*", "              Action: s3:*"),
    broken("no-action-is-a-wildcard", "Action: s3:ListBucket", "Action: [s3:GetObject, s3:List*]", "s3:List*"),
    broken(
        "no-resource-is-a-wildcard",
        "Resource: !GetAtt Failed.Arn\n      Events",
        'Resource: "*"\n      Events',
        "s3:ListBucket",
    ),
    broken(
        "no-policy-is-wide-open",
        "      Policies:\n        - Statement:",
        "      Policies:\n        - AmazonS3FullAccess\n        - Statement:",
        "S3FullAccess",
    ),
    broken(
        "data-is-encrypted-at-rest",
        "      BucketEncryption:\n        ServerSideEncryptionConfiguration:\n"
        "          - ServerSideEncryptionByDefault:\n              SSEAlgorithm: AES256\n",
        "",
        "  Failed:",
    ),
    broken(
        "data-is-encrypted-at-rest",
        "SqsManagedSseEnabled: true\n      Redrive",
        "SqsManagedSseEnabled: false\n      Redrive",
        "  Requests:",
    ),
    broken("data-is-encrypted-at-rest", "KmsMasterKeyId: alias/aws/sns", "DisplayName: news", "  News:"),
    broken("data-is-encrypted-at-rest", "SSEEnabled: true", "SSEEnabled: false", "  Guests:"),
    broken(
        "data-is-encrypted-at-rest",
        "      StreamEncryption:\n        EncryptionType: KMS\n        KeyId: alias/aws/kinesis\n",
        "",
        "  Passers:",
    ),
    broken("buckets-block-public-access", "IgnorePublicAcls: true", "IgnorePublicAcls: false", "IgnorePublicAcls"),
    broken("buckets-take-tls-only", "Action: s3:*\n", "Action: s3:GetObject\n", "  Failed:"),
    broken("buckets-take-tls-only", '[!GetAtt Failed.Arn, !Sub "${Failed.Arn}/*"]', "!GetAtt Failed.Arn", "  Failed:"),
    broken(
        "queues-and-topics-with-a-policy-take-tls-only",
        'aws:SecureTransport: "false"\n\n  Failed:',
        'aws:SecureTransport: "true"\n\n  Failed:',
        "  DeadLettersPolicy:",
    ),
    broken(
        "queue-and-topic-policies-name-one-resource",
        "Resource: !GetAtt DeadLetters.Arn\n            Condition:\n              ArnEquals:",
        "Resource: [!GetAtt DeadLetters.Arn, !GetAtt Failed.Arn]\n            Condition:\n              ArnEquals:",
        "  DeadLettersPolicy:",
    ),
]

SPEAKS = [
    broken("the-folder-is-complete", "MIT", "MIT", "", file="LICENSE"),
    broken("readme-begins-with-one-sentence-and-a-picture", "or asks.", "or asks. And more.", "", file="README.md"),
    broken(
        "readme-begins-with-one-sentence-and-a-picture",
        "```\ndoor → EventBridge → Lambda\n```\n",
        "",
        "",
        file="README.md",
    ),
    broken("readme-has-its-sections-in-order", "## How it works", "## More", "", file="README.md"),
    broken("readme-has-its-sections-in-order", "## Clean up\n", "", "", file="README.md"),
    broken(
        "readme-has-its-sections-in-order",
        "## Try it locally\n\n`blueprints run good-pattern`\n\n## Deploy",
        "## Deploy\n\n## Try it locally",
        "## Deploy",
        file="README.md",
    ),
    broken("readme-lists-every-parameter-and-output", "| `Loudly` | shout |\n", "", "## Parameters", file="README.md"),
    broken("readme-lists-every-parameter-and-output", "`Loudly`", "`Loud`", "`Loud`", file="README.md"),
    broken("readme-shows-every-state-machine", "![A visitor enters](Visit.svg)", "", "", file="README.md"),
    broken("readme-shows-every-state-machine", "<svg", "<svg ", "", file="Visit.svg"),
    broken(
        "readme-shows-every-state-machine",
        "</svg>",
        "</svg>",
        "",
        "files-that-are-named-are-there",  # the README still shows it
        file="Visit.svg",
    ),
    broken(
        "readme-says-what-it-costs", "a million in a month cost $0.20", "not much", "## What it costs", file="README.md"
    ),
    broken("the-demo-has-a-run", "def run(stack)", "def play(stack)", "", file="demo.py"),
    broken("the-demo-has-a-run", "def run(stack)", "def run(stack, more)", "def run", file="demo.py"),
    broken("requirements-are-pinned", "six==1.17.0", "six>=1.17.0", "six", file="src/requirements.txt"),
]

LINT = [
    broken("sam-takes-the-template", "StartingPosition: LATEST", "StartingPositn: LATEST", "StartingPositn"),
    broken(
        "template-has-no-problems",
        "      RetentionInDays",
        "      Retention: 3\n      RetentionInDays",
        "      Retention:",
    ),
    broken("template-has-no-problems", "greet.handler", "greet.handle", "greet.handle"),
]

_SETTINGS = '''"""Greets."""

from dataclasses import dataclass

from blueprints_shared.settings import load


@dataclass
class Settings:
    {}


settings = load(Settings)
'''

HOLDS_TOGETHER = [
    broken(
        "imported-modules-are-there",
        '"""Greets."""',
        '"""Greets."""\n\nimport greetings_of_old',
        "import greetings_of_old",
        file="src/greet.py",
    ),
    broken(
        "imported-modules-are-there",
        '"""Travels with a copy."""',
        "from greeet import handler",
        "from greeet",
        file="tests/greeting.py",
    ),
    broken(
        "settings-have-their-environment-variables",
        '"""Greets."""',
        _SETTINGS.format("loud: bool"),
        "    loud:",
        "imported-modules-are-there",  # the folder does not require what the settings come from
        file="src/greet.py",
    ),
    broken("files-that-are-named-are-there", "It greets.", "See src/greets.py.", "See src", file="README.md"),
    broken("files-that-are-named-are-there", "It greets.", "See [why](why.md).", "See [why", file="README.md"),
    broken(
        "files-that-are-named-are-there",
        "# via requirements.in",
        "-r ../requirements.txt",
        "-r",
        "requirements-are-pinned",
        file="src/requirements.txt",
    ),
]

FAST = [
    *ONE_CLICK,
    *ENVIRONMENTS,
    *GRADUALLY,
    *VERSIONS,
    *WATCHED,
    *LOSES_NOTHING,
    *LETS_NO_ONE_IN,
    *STATE_MACHINES,
    *SPEAKS,
    *HOLDS_TOGETHER,
    *LINT,
]

# What cfn-lint has to be run for.
SLOW = [
    broken(
        "template-passes-cfn-lint",
        "ComparisonOperator: Greater",
        "ComparisonOperator: Larger",
        "ComparisonOperator: Larger",
    ),
    broken(
        "expanded-template-passes-cfn-lint",
        "MaximumRetryAttempts: 10",
        "MaximumRetryAttempts: 500",
        "MaximumRetryAttempts: 500",
    ),
    broken("expanded-template-passes-cfn-lint", "Timeout: 10", "Timeout: 2000", "Timeout: 2000"),
    broken(
        "expanded-template-passes-cfn-lint",  # a bucket that waits for the permission of the function that may use it
        "      PublicAccessBlockConfiguration:",
        "      NotificationConfiguration:\n        LambdaConfigurations:\n          - Event: s3:ObjectCreated:*\n"
        "            Function: !Ref Greet.Alias\n      PublicAccessBlockConfiguration:",
        "  Failed:",
    ),
]
