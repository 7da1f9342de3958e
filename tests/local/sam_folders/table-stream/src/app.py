import os

import boto3

sns = boto3.client("sns")


def lambda_handler(event, context):
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["id"]["S"]
        sns.publish(TopicArn=os.environ["TOPIC"], Message=f"{record['eventName']} {key}")
