def lambda_handler(event, context):
    return ["cat", "dog"]
