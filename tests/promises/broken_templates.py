"""Templates with SAM and plain resources beside each other, each broken by a few characters."""

WHOLE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Seconds:
    Type: Number
    Default: 60
  Stage:
    Type: String
    Default: dev
    AllowedValues: [dev, prod]
Mappings:
  Sizes:
    dev: { Memory: 256 }
    prod: { Memory: 512 }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Runtime: python3.13
    Timeout: 20
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      MemorySize: !FindInMap [Sizes, !Ref Stage, Memory]
      Policies:
        - Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: s3:GetObject
              Resource: !Sub "${Bucket.Arn}/*"
      Events:
        Put:
          Type: SNS
          Properties: { Topic: !Ref Topic }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !GetAtt Fn.Arn
      BatchSize: 10
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 30
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt Dead.Arn
        maxReceiveCount: 3
  Dead:
    Type: AWS::SQS::Queue
    Properties:
      MessageRetentionPeriod: 1209600
  Topic:
    Type: AWS::SNS::Topic
  Bucket:
    Type: AWS::S3::Bucket
    UpdateReplacePolicy: Retain
    DeletionPolicy: Retain
    Properties:
      VersioningConfiguration: { Status: Enabled }
  Table:
    Type: AWS::DynamoDB::Table
    UpdateReplacePolicy: Delete
    DeletionPolicy: Delete
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: IsProd
    Properties:
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions: [{ Name: FunctionName, Value: !Ref Fn }]
      Statistic: Sum
      Period: !Ref Seconds
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - { Effect: Allow, Action: sts:AssumeRole, Principal: { Service: scheduler.amazonaws.com } }
      Policies:
        - PolicyName: invoke
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - { Effect: Allow, Action: lambda:InvokeFunction, Resource: !GetAtt Fn.Arn }
Outputs:
  FnArn: { Value: !GetAtt Fn.Arn }
  TableName: { Value: !Ref Table }
  BucketUrl: { Value: !Sub "s3://${Bucket}/" }
"""

# A name for each, the words to replace, and what to write instead.
BROKEN = {
    "queue-shorter-than-function": ("VisibilityTimeout: 30", "VisibilityTimeout: 10"),
    "function-longer-by-globals": ("    Timeout: 20", "    Timeout: 60"),
    "attribute-that-a-queue-lacks": ("Queue.Arn", "Queue.Aarn"),
    "attribute-that-a-function-lacks": ("FunctionName: !GetAtt Fn.Arn", "FunctionName: !GetAtt Fn.Name"),
    "attribute-in-an-output": ("FnArn: { Value: !GetAtt Fn.Arn }", "FnArn: { Value: !GetAtt Fn.Address }"),
    "attribute-in-text": ('"${Bucket.Arn}/*"', '"${Bucket.Address}/*"'),
    "reference-to-nothing": ("Value: !Ref Fn }", "Value: !Ref Fnn }"),
    "reference-to-nothing-in-text": ("s3://${Bucket}", "s3://${Buckett}"),
    "attribute-of-nothing": ("Dead.Arn", "Deadd.Arn"),
    "property-of-a-queue": ("VisibilityTimeout: 30", "VisibilitySeconds: 30"),
    "property-of-a-function": ("      Handler: app.handler", "      Handler: app.handler\n      MemorySise: 128"),
    "property-in-globals": ("    Timeout: 20", "    Timeout: 20\n    Memory: 256"),
    "text-for-a-number": ("maxReceiveCount: 3", "maxReceiveCount: three"),
    "text-for-a-number-in-globals": ("    Timeout: 20", "    Timeout: long"),
    "missing-property": ("      KeySchema: [{ AttributeName: id, KeyType: HASH }]\n", ""),
    "unknown-value": ("Status: Enabled", "Status: On"),
    "number-too-large": ("    Timeout: 20", "    Timeout: 2000"),
    "batch-too-large": ("BatchSize: 10", "BatchSize: 20000"),
    "type-that-is-not": ("Type: AWS::SNS::Topic\n", "Type: AWS::SNS::Topics\n"),
    "key-that-is-no-attribute": ("KeySchema: [{ AttributeName: id,", "KeySchema: [{ AttributeName: key,"),
    "unused-parameter": ("Mappings:\n", "  Unused: { Type: String, Default: a }\nMappings:\n"),
    "parameter-in-the-wrong-section": ("Conditions:\n", "  Other: { Type: String, Default: a }\nConditions:\n"),
    "unused-condition": ("    Condition: IsProd\n", ""),
    "condition-that-is-not": ("    Condition: IsProd\n", "    Condition: IsTest\n"),
    "resource-that-is-not-always-there": (
        "    Type: AWS::S3::Bucket\n",
        "    Type: AWS::S3::Bucket\n    Condition: IsProd\n",
    ),
    "condition-on-nothing": ("!Equals [!Ref Stage, prod]", "!Equals [!Ref Stag, prod]"),
    "default-not-allowed": ("Default: dev", "Default: test"),
    "parameter-of-no-type": ("Type: Number", "Type: Numeral"),
    "ring-of-plain-resources": (
        "MessageRetentionPeriod: 1209600",
        "MessageRetentionPeriod: 1209600\n      Tags: [{ Key: of, Value: !Ref Queue }]",
    ),
    "ring-through-a-function": (
        "VersioningConfiguration: { Status: Enabled }\n",
        "VersioningConfiguration: { Status: Enabled }\n      Tags: [{ Key: of, Value: !Ref Fn }]\n",
    ),
    "needless-dependency": (
        "    Type: AWS::CloudWatch::Alarm\n",
        "    Type: AWS::CloudWatch::Alarm\n    DependsOn: Fn\n",
    ),
    "dependency-on-nothing": (
        "    Type: AWS::CloudWatch::Alarm\n",
        "    Type: AWS::CloudWatch::Alarm\n    DependsOn: Fun\n",
    ),
    "policy-effect": ("- { Effect: Allow, Action: lambda:", "- { Effect: Alow, Action: lambda:"),
    "policy-action": ("Action: lambda:InvokeFunction", "Action: lambda:CallFunction"),
    "trust-without-principal": (", Principal: { Service: scheduler.amazonaws.com }", ""),
    "output-without-value": ("TableName: { Value: !Ref Table }", "TableName: { Description: a table }"),
    "output-of-a-list": ("TableName: { Value: !Ref Table }", "TableName: { Value: [!Ref Table] }"),
    "map-without-the-key": ("!FindInMap [Sizes, !Ref Stage, Memory]", "!FindInMap [Sizes, !Ref Stage, Seconds]"),
    "section-that-is-not": ("Conditions:\n", "Condition:\n  A: b\nConditions:\n"),
    "written-twice": ("      BatchSize: 10\n", "      BatchSize: 10\n      BatchSize: 20\n"),
    "no-yaml": ("      Statistic: Sum\n", "      Statistic: [Sum\n"),
    "function-that-is-not": ("!Ref Table }", "!Reff Table }"),
    "empty-resource": ("  Topic:\n    Type: AWS::SNS::Topic\n", "  Topic:\n"),
    "no-runtime": ("    Runtime: python3.13\n", ""),
}


def template(name: str) -> str:
    """The whole template with one of its words replaced."""
    old, new = BROKEN[name]
    return WHOLE.replace(old, new, 1)
