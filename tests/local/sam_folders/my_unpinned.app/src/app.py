import os

import requests


def lambda_handler(event, context):
    return {"said": os.environ["GREETING"], "requests": requests.__version__.split(".")[0]}
