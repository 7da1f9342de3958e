import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def lambda_handler(event, context):
    table.put_item(Item={"id": event["detail-type"]})
