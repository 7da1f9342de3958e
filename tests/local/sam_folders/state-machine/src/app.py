def lambda_handler(event, context):
    return {"approved": event["amount"] < 100}
