"""Sends what services hand on: records of failed invocations, dead letters."""

import uuid
from datetime import UTC, datetime

import boto3
from botocore.config import Config


def account_session(account: str, region: str) -> "boto3.Session":
    """A session of the account itself, for what a service does after its own permission was checked."""
    return boto3.Session(aws_access_key_id=account, aws_secret_access_key="embedded", region_name=region)  # noqa: S106


def send(session: "boto3.Session", endpoint: str, arn: str, body: str, attributes: dict[str, str]) -> None:
    """Deliver `body` to a queue, topic, function, bucket or event bus, with the permissions of the session.

    Raises botocore's ClientError when the resource refuses, ValueError for another kind of resource.
    """
    service = arn.split(":")[2]
    settings = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
    client = session.client(service, endpoint_url=endpoint, config=settings)
    messages = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    if service == "sqs":
        account, name = arn.split(":")[4:6]
        queue = f"{endpoint}/{account}/{name}"  # to look it up would take a permission that delivering does not need
        client.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=messages)
    elif service == "sns":
        client.publish(TopicArn=arn, Message=body, MessageAttributes=messages)
    elif service == "lambda":
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=body.encode())
    elif service == "s3":
        day = datetime.now(UTC)
        key = f"aws/lambda/async/{day:%Y/%m/%d}/{day:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        client.put_object(Bucket=arn.split(":::", 1)[1], Key=key, Body=body.encode())
    elif service == "events":
        client.put_events(Entries=[_as_bus_entry(arn, body)])
    else:
        raise ValueError(f"no message can be sent to {arn}")


def _as_bus_entry(bus_arn: str, body: str) -> dict[str, str]:
    return {
        "Source": "lambda",
        "DetailType": "Lambda Function Invocation Result",
        "Detail": body,
        "EventBusName": bus_arn.rsplit("/", 1)[1],
    }
