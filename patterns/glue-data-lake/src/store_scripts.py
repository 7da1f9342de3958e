"""Puts the jobs' scripts, which are part of this function's package, into the lake bucket when the stack is deployed.

The handler of a custom resource of CloudFormation.
"""

import hashlib
import json
import urllib.request
from pathlib import Path
from typing import Any

from run_files import Settings

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

JOBS = Path(__file__).parent / "jobs"
HANDLER = "curate_small.py"  # of a function, which shares modules with the jobs

logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> None:
    """Store the scripts, and tell CloudFormation their prefix; if that fails, tell it the reason.

    With the stack the scripts go, so that a bucket that holds nothing else can be deleted, as after a failed first
    deployment. An update deletes none: a job that still runs may read its script.
    """
    try:
        if event["RequestType"] == "Delete":
            delete_scripts(s3, settings.lake_bucket)
            data = {}
        else:
            data = {"Prefix": store_scripts(s3, settings.lake_bucket)}
    except Exception as error:
        logger.exception("scripts not stored")
        answer(event, {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:1000]})
    else:
        answer(event, {"Status": "SUCCESS", "Data": data})


def store_scripts(s3: Any, bucket: str) -> str:
    """Put every script and module below a prefix that changes with their contents; return it, with its slash."""
    scripts = {path.name: path.read_bytes() for path in sorted(JOBS.glob("*.py")) if path.name != HANDLER}
    named = json.dumps({name: hashlib.sha256(content).hexdigest() for name, content in scripts.items()})
    prefix = f"scripts/{hashlib.sha256(named.encode()).hexdigest()}/"
    for name, content in scripts.items():
        s3.put_object(Bucket=bucket, Key=prefix + name, Body=content, ContentType="text/x-python")
    logger.info("scripts stored", extra={"prefix": prefix, "scripts": list(scripts)})
    return prefix


def delete_scripts(s3: Any, bucket: str) -> None:
    """Delete every version of every script."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="scripts/"):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors")
            if failed:
                raise RuntimeError(f"{len(failed)} scripts not deleted, the first with {failed[0].get('Code')}")


def answer(event: dict[str, Any], outcome: dict[str, Any]) -> None:
    """Send the outcome to CloudFormation, which waits for it. If this fails, Lambda invokes the function again."""
    same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**same, "PhysicalResourceId": "scripts", **outcome}).encode()
    # The address is signed without a content type, which urllib would add.
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - the address comes from CloudFormation
        pass
