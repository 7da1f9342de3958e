import json


def lambda_handler(event, context):
    told = {
        "method": event["httpMethod"],
        "path": event["path"],
        "parameters": event["pathParameters"],
        "base64": event["isBase64Encoded"],
    }
    return {"statusCode": 200, "body": json.dumps(told)}
