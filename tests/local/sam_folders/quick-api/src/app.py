def handler(event, context):
    return {"asked": event["rawPath"]}
