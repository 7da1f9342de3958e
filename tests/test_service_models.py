"""Clients made from the shortened copies of botocore's data are the clients that botocore makes of its own."""

import json
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import botocore.session
import pytest

from blueprints.packaging import service_models
from blueprints.packaging.interpreters import current
from blueprints.packaging.lambda_runtime import runtime_environment
from blueprints.packaging.shared_wheel import shared_wheel
from blueprints_shared import clients

REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "mars-north-1")
CALLS = {
    "codedeploy": (
        "put_lifecycle_event_hook_execution_status",
        {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e", "status": "Succeeded"},
    ),
    "dynamodb": ("put_item", {"TableName": "t", "Item": {"documentation": {"S": "x"}}}),
    "events": ("put_events", {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}),
    "lambda": ("invoke", {"FunctionName": "f:live", "Payload": b"{}"}),
    "rds-data": (
        "execute_statement",
        {"resourceArn": "arn:aws:rds:1", "secretArn": "arn:aws:secret", "sql": "select 1"},
    ),
    "s3": ("put_object", {"Bucket": "b", "Key": "a key", "Body": b"x", "IfNoneMatch": "*"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "s"}),
    "sns": ("publish", {"TopicArn": "arn:aws:sns:eu-central-1:1:t", "Message": "m"}),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/q", "MessageBody": "m"}),
    "stepfunctions": ("send_task_success", {"taskToken": "t", "output": "{}"}),
}


class Sent(Exception):
    """Stops a request before it leaves, and carries it."""


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The files as a wheel carries them, in place for `clients`; keys and a Region are set."""
    for path, content in service_models.files().items():
        place = tmp_path / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
    monkeypatch.setattr(clients, "_MODELS", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_DATA_PATH", raising=False)
    return tmp_path


def request_of(client, operation, arguments):
    """What a call would send: method, URL, body, and the headers that do not change with time."""

    def stop(request, **_):
        raise Sent(request)

    client.meta.events.register("before-send", stop)
    with pytest.raises(Sent) as sent:
        getattr(client, operation)(**arguments)
    request = sent.value.args[0]
    changing = {"x-amz-date", "authorization", "amz-sdk-invocation-id", "user-agent"}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in changing}
    scope = str(request.headers["authorization"]).partition("/")[2].partition(",")[0].partition("/")[2]
    body = request.body.read() if hasattr(request.body, "read") else request.body
    return request.method, request.url, body, headers, scope


def test_every_service_with_a_copy_has_a_call_here():
    assert set(CALLS) == set(service_models.SERVICES)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", CALLS)
def test_a_call_sends_the_same_request_as_botocore_alone(service, region, copies, monkeypatch, caplog):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    ours = clients.client(service)
    own = botocore.session.get_session().create_client(service, config=ours.meta.config)
    assert request_of(ours, *CALLS[service]) == request_of(own, *CALLS[service])
    assert ours.meta.method_to_api_mapping == own.meta.method_to_api_mapping
    assert not caplog.records


@pytest.mark.parametrize("service", CALLS)
def test_the_files_of_botocore_that_have_a_copy_are_not_read(service, copies, monkeypatch):
    read = []
    loader = botocore.loaders.JSONFileLoader
    load = loader.load_file
    monkeypatch.setattr(loader, "load_file", lambda self, path: read.append(path) or load(self, path))
    clients.client(service)
    assert not [path for path in read if service in Path(path).parts or path.endswith("endpoints")]


def test_pages_and_waiters_are_botocore_s_own(copies):
    s3 = clients.client("s3")
    assert s3.can_paginate("list_objects_v2")
    assert "bucket_exists" in s3.waiter_names


def test_a_service_without_a_copy_is_read_from_botocore(copies):
    assert clients.client("sts").meta.endpoint_url == "https://sts.eu-central-1.amazonaws.com"


def test_models_of_one_s_own_are_preferred(copies, monkeypatch):
    model = json.loads(service_models.files()["sqs/service-2.json"])
    model["operations"] = {"ListQueues": model["operations"]["ListQueues"]}
    place = copies / "own" / "sqs" / "2012-11-05" / "service-2.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(model))
    monkeypatch.setenv("AWS_DATA_PATH", str(copies / "own"))
    assert list(clients.client("sqs").meta.method_to_api_mapping) == ["list_queues"]


@pytest.mark.parametrize("damage", ["truncated model", "model without operations", "endpoints missing", "other API"])
def test_a_client_is_made_in_botocore_s_way_where_the_copies_do_not_fit(damage, copies, monkeypatch, caplog):
    """An update of the runtime's botocore may change what the copies rely on; no function may stop for that."""
    model = copies / "sqs" / "service-2.json"
    if damage == "truncated model":
        model.write_bytes(model.read_bytes()[:1000])
    elif damage == "model without operations":
        model.write_text('{"version": "3.0"}')
    elif damage == "endpoints missing":
        (copies / "endpoints.json").unlink()
    else:
        monkeypatch.delattr(botocore.session.Session, "register_component")
    caplog.set_level(logging.WARNING)
    client = clients.client("sqs")
    assert request_of(client, *CALLS["sqs"])[1] == "https://sqs.eu-central-1.amazonaws.com/"
    if damage != "endpoints missing":
        assert "using botocore's own data for sqs" in caplog.text


def test_an_error_that_is_not_the_copies_fault_is_raised(copies, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(botocore.exceptions.NoRegionError):
        clients.client("sqs")


def test_the_wheel_carries_the_copies_and_says_whose_they_are():
    with zipfile.ZipFile(shared_wheel()) as wheel:
        names = {name.removeprefix("blueprints_shared/service_models/") for name in wheel.namelist()}
        notice = wheel.read("blueprints_shared/service_models/NOTICE").decode()
    assert set(service_models.files()) <= names
    assert botocore.__version__ in notice
    assert "Apache License" in notice


def test_another_version_of_botocore_takes_the_copies():
    """Lambda's runtime has another botocore than the one the copies are made of, and updates it at will."""
    runtime = runtime_environment(current())
    program = (
        "import botocore, logging, os; from blueprints_shared.clients import client\n"
        "logging.basicConfig(level='WARNING', format='%(message)s')\n"
        f"urls = [client(name).meta.endpoint_url for name in {service_models.SERVICES!r}]\n"
        "print(botocore.__version__, len(urls))"
    )
    environment = {
        "PYTHONPATH": f"{shared_wheel()}{os.pathsep}{runtime.path}",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "HOME": os.devnull,
    }
    command = [sys.executable, "-S", "-c", program]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    version, made = answer.stdout.split()
    assert version != botocore.__version__
    assert int(made) == len(service_models.SERVICES)
    assert not answer.stderr
