"""Makes calls with the permissions of a role on an embedded AWS; prints the CPU seconds that its process took.

Runs in the environment of the tree whose embedded AWS it starts. Arguments: the service and the number of calls.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from blueprints.local.cloud import ACCOUNT, REGION, Cloud

_TRUST = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
_LOGS = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(service: str, calls: int) -> float:
    """CPU seconds of the embedded AWS for so many calls of a service."""
    with Cloud() as cloud:
        queue = _resources(cloud)
        client = _client_of_role(cloud, service)
        data = json.dumps({"order": 1, "lines": ["x" * 50] * 10}).encode()
        item = {"id": {"S": "1"}, "data": {"B": data}}
        kinds: dict[str, Callable[[], Any]] = {
            "s3": lambda: client.put_object(Bucket="orders-bucket", Key="in/order.json", Body=data),
            "dynamodb": lambda: client.put_item(TableName="orders", Item=item),
            "sqs": lambda: client.send_message(QueueUrl=queue, MessageBody=data.decode()),
            "kinesis": lambda: client.put_record(StreamName="orders", Data=data, PartitionKey="1"),
        }
        return _cpu_of(cloud, kinds[service], calls)


def _resources(cloud: Cloud) -> str:
    """Make what is called; return the queue's URL."""
    cloud.client("s3").create_bucket(Bucket="orders-bucket")
    cloud.client("dynamodb").create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    cloud.client("kinesis").create_stream(StreamName="orders", ShardCount=1)
    return str(cloud.client("sqs").create_queue(QueueName="orders")["QueueUrl"])


def _client_of_role(cloud: Cloud, service: str) -> Any:
    """A client of a session whose role has a policy for each service, as SAM writes them."""
    iam = cloud.client("iam")
    policy = {"Version": "2012-10-17", "Statement": [_TRUST]}
    arn = iam.create_role(RoleName="caller", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    granted = {
        "s3": (["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::orders-bucket/*"),
        "dynamodb": (["dynamodb:GetItem", "dynamodb:PutItem"], f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders"),
        "sqs": (["sqs:SendMessage*"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"),
        "kinesis": (["kinesis:PutRecord", "kinesis:PutRecords"], f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/orders"),
    }
    for name, (actions, resource) in granted.items():
        statements = [_LOGS, {"Effect": "Allow", "Action": actions, "Resource": resource}]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName="caller", PolicyName=name, PolicyDocument=document)
    taken = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="bench")["Credentials"]
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=cloud.endpoint,
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )


def _cpu_of(cloud: Cloud, call: Callable[[], Any], calls: int) -> float:
    for _ in range(max(1, calls // 10)):
        call()
    before = _cpu(cloud.process_id)
    for _ in range(calls):
        call()
    return _cpu(cloud.process_id) - before


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    print(json.dumps({"cpu": measure(sys.argv[1], int(sys.argv[2]))}))
