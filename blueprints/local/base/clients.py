"""Calls of the embedded AWS to itself: as an account's owner, or with a role's credentials."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import boto3
from botocore.config import Config


@dataclass(frozen=True)
class Caller:
    """Who calls, and where."""

    access_key: str
    secret_key: str
    session_token: str | None
    region: str
    endpoint: str

    @classmethod
    def owner(cls, account: str, region: str, endpoint: str) -> Self:
        """The account's owner, who may do everything: for what a service does after it checked its own permission."""
        return cls(account, "embedded", None, region, endpoint)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that give the SDKs these credentials."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token or "",
        }

    def client(self, service: str, *, attempts: int = 3, seconds: float = 60, connections: int = 10) -> Any:
        """A boto3 client; a call is tried so often, and each try ends after `seconds`. It keeps so many connections."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.session_token,
            config=Config(
                connect_timeout=5,
                read_timeout=seconds,
                retries={"total_max_attempts": attempts},
                max_pool_connections=connections,
                proxies={},
                inject_host_prefix=False,
            ),
        )


def send(caller: Caller, arn: str, body: str, attributes: dict[str, str]) -> None:
    """Deliver `body` to a queue, topic, function, bucket or event bus, with the caller's permissions.

    Raises botocore's ClientError when the resource refuses, ValueError for another kind of resource.
    """
    service = arn.split(":")[2]
    client = caller.client(service, seconds=30)
    messages = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    if service == "sqs":
        # To look the queue up would take a permission that delivering does not need.
        client.send_message(QueueUrl=queue_url(caller.endpoint, arn), MessageBody=body, MessageAttributes=messages)
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


def queue_url(endpoint: str, arn: str) -> str:
    """The URL of a queue by its ARN."""
    account, name = arn.split(":")[4:6]
    return f"{endpoint}/{account}/{name}"


def _as_bus_entry(bus_arn: str, body: str) -> dict[str, str]:
    return {
        "Source": "lambda",
        "DetailType": "Lambda Function Invocation Result",
        "Detail": body,
        "EventBusName": bus_arn.rsplit("/", 1)[1],
    }
