import os

import boto3

s3 = boto3.client("s3")


def lambda_handler(event, context):
    s3.put_object(Bucket=os.environ["BUCKET"], Key="note.txt", Body=event["note"].encode())
