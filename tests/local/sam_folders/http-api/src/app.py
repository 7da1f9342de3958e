import json
import os
import urllib.request


def lambda_handler(event, context):
    if event.get("routeKey") == "GET /secret" and "PUBLIC_URL" in os.environ:
        with urllib.request.urlopen(os.environ["PUBLIC_URL"]) as answer:
            return {"statusCode": 200, "body": answer.read().decode()}
    if event.get("rawPath") == "/odd/error":
        raise LookupError("no such order")
    if event.get("rawPath") == "/odd/mapping":
        return {"statusCode": 200, "body": {"message": "hello"}}
    told = {
        "format": event["version"],
        "path": event.get("rawPath") or event.get("path"),
        "parameters": event["pathParameters"],
        "method": event.get("httpMethod") or event["requestContext"]["http"]["method"],
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(told)}


def authorize(event, context):
    return {"isAuthorized": event["headers"].get("authorization") == "open sesame"}
