"""A pattern of a few lines, in a folder of its own, for tests to break."""

import textwrap
from pathlib import Path

TEMPLATE = """
    AWSTemplateFormatVersion: "2010-09-09"
    Transform: AWS::Serverless-2016-10-31
    Description: S3 -> EventBridge -> Lambda -> S3
    Parameters:
      Greeting:
        Type: String
        Default: hello
    Resources:
      Inbox:
        Type: AWS::S3::Bucket
        Properties:
          NotificationConfiguration:
            EventBridgeConfiguration:
              EventBridgeEnabled: true
      Outbox:
        Type: AWS::S3::Bucket
      CopyObject:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: copy_object.handler
          Runtime: python3.13
          Architectures: [arm64]
          MemorySize: 256
          Timeout: 10
          AutoPublishAlias: live
          Environment:
            Variables:
              OUTBOX: !Ref Outbox
              GREETING: !Ref Greeting
          Policies:
            - S3ReadPolicy:
                BucketName: !Sub ${AWS::StackName}-*
            - Version: "2012-10-17"
              Statement:
                - Effect: Allow
                  Action: s3:PutObject
                  Resource: !Sub ${Outbox.Arn}/*
          Events:
            Arrived:
              Type: EventBridgeRule
              Properties:
                Pattern:
                  source: [aws.s3]
                  detail-type: [Object Created]
                  detail: {bucket: {name: [!Ref Inbox]}}
    Outputs:
      Inbox: {Value: !Ref Inbox}
      Outbox: {Value: !Ref Outbox}
"""

HANDLER = '''
    import os

    import boto3

    s3 = boto3.client("s3")


    def handler(event, context):
        """Copy the object that arrived, with a greeting in front."""
        detail = event["detail"]
        key = detail["object"]["key"]
        body = s3.get_object(Bucket=detail["bucket"]["name"], Key=key)["Body"].read()
        s3.put_object(Bucket=os.environ["OUTBOX"], Key=key, Body=os.environ["GREETING"].encode() + b" " + body)
        return {"copied": key}
'''

DEMO = """
    import time


    def run(stack):
        s3 = stack.client("s3")
        with stack.step("Put an object"):
            s3.put_object(Bucket=stack.outputs["Inbox"], Key="name", Body=b"world")
        with stack.step("Wait for its copy"):
            deadline = time.monotonic() + 4
            while True:
                try:
                    text = s3.get_object(Bucket=stack.outputs["Outbox"], Key="name")["Body"].read()
                    break
                except s3.exceptions.NoSuchKey:
                    if time.monotonic() > deadline:
                        raise TimeoutError("no copy arrived") from None
                    time.sleep(0.02)
        file = stack.folder / "copy.txt"
        file.write_bytes(text)
        return {"text": text.decode(), "file": str(file)}
"""


def write(
    folder: Path, *, template: str = TEMPLATE, handler: str = HANDLER, demo: str = DEMO, requirements: str = ""
) -> Path:
    """Write the pattern into a new folder; returns the folder."""
    source = folder / "src"
    source.mkdir(parents=True)
    (folder / "template.yaml").write_text(textwrap.dedent(template).lstrip())
    (folder / "demo.py").write_text(textwrap.dedent(demo).lstrip())
    (source / "copy_object.py").write_text(textwrap.dedent(handler).lstrip())
    (source / "requirements.txt").write_text(requirements)
    return folder
