from pathlib import Path

import six
from words import greeting


def lambda_handler(event, context):
    return {"word": greeting(), "six": six.__version__, "data": Path("/opt/data/colors.txt").read_text().strip()}
