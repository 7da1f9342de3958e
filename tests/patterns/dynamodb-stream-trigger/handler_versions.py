"""Versions of the real handlers, as a canary deployment, a bug and its fix produce them."""

import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from unittest import mock

from model_database import SCHEMA
from rejected_records import Rejection
from template_facts import import_anew, variables_by_default

PLAIN, STRICT, BROKEN, FIXED = "plain", "strict", "broken", "fixed"
ENVIRONMENT = {
    **variables_by_default(),
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "simulated",
    "POWERTOOLS_METRICS_NAMESPACE": "simulated",
    "FAILURES_BUCKET": "failures",
    "DATABASE_CLUSTER_ARN": "cluster",
    "SECRET_ARN": "secret",
    "DATABASE_NAME": "replica",
    "DATABASE_SCHEMA": SCHEMA,
    "WEBHOOK_URL": "",
    "WEBHOOK_SECRET_ARN": "",
    "ALLOW_PRIVATE_ADDRESSES": "false",
}


class Bug(Exception):
    """A version of a function fails at a change."""


@cache
def handlers():
    """The modules of the handlers by function; each invocation gets its own clients."""
    modules = {}
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch("blueprints_shared.clients.client", return_value=None),
    ):
        for function in ("replicate", "announce"):
            module = modules[function] = import_anew(function.capitalize())
            del sys.modules[module.__name__]  # other tests import it with other clients and settings
            nothing = lambda *_, **__: None  # noqa: E731
            module.logger = SimpleNamespace(info=nothing, warning=nothing, error=nothing)
            module.metrics = SimpleNamespace(add_metric=nothing)
    return modules


@contextmanager
def seen_by(function, version):
    """Make a version of a function handle changes."""
    module = handlers()[function]
    name, seen = ("reduced", _reduced) if function == "replicate" else ("announcement_of", _announced)
    whole = getattr(module, name)
    with mock.patch.object(module, name, lambda given: seen(whole, given, version)):
        yield module


def _kind(record):
    return record["dynamodb"].get("NewImage", {}).get("note", {}).get("S")


def _reduced(reduce, records, version):
    if version == BROKEN and any(_kind(record) == "fails" for record in records):
        raise Bug
    originals = {record["eventID"]: record for record in records}
    batch = reduce([_as_seen(record, version) for record in records])
    batch.entries = [replace(entry, record=originals[entry.change.event_id]) for entry in batch.entries]
    batch.rejected = [(originals[record["eventID"]], rejection) for record, rejection in batch.rejected]
    return batch


def _as_seen(record, version):
    """The fixed version changes items so that PostgreSQL accepts them; the strict one rejects what others accept."""
    image = record["dynamodb"].get("NewImage", {})
    if version == FIXED and ("size" in image or _kind(record) == "before\0after"):
        image = {**image, "note": {"S": "fixed"}, "size": {"N": "0"}}
    elif version == STRICT and _kind(record) == "differs":
        image = {**image, "note": {"S": "\0"}}
    else:
        return record
    return {**record, "dynamodb": {**record["dynamodb"], "NewImage": image}}


def _announced(announce, record, version):
    if version == BROKEN and _kind(record) == "fails":
        raise Bug
    if version == STRICT and _kind(record) == "differs":
        raise Rejection("odd", "this version rejects it")
    return announce(record)
