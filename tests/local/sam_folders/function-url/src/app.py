def lambda_handler(event, context):
    return {"received": event["body"], "at": event["rawPath"]}
