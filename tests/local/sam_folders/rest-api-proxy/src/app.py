import json

ODD = {
    "/odd/text": "hello",
    "/odd/field": {"message": "hello"},
    "/odd/mapping": {"statusCode": 200, "body": {"message": "hello"}},
}


def lambda_handler(event, context):
    if event["path"] in ODD:
        return ODD[event["path"]]
    if event["path"] == "/odd/error":
        raise LookupError("no such order")
    told = {
        "method": event["httpMethod"],
        "path": event["path"],
        "parameters": event["pathParameters"],
        "base64": event["isBase64Encoded"],
    }
    return {"statusCode": 200, "body": json.dumps(told)}
