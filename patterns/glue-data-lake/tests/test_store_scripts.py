"""The jobs' scripts get into the lake bucket, and CloudFormation gets an answer."""

import json
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from template_facts import TEMPLATE, code_folder

FILES = {path.name: path.read_bytes() for path in (code_folder() / "jobs").glob("*.py")}
SCRIPTS = {name: content for name, content in FILES.items() if name != "curate_small.py"}


@pytest.fixture
def answers():
    """What CloudFormation was sent; the attribute `url` is where it waits."""

    class Answers(list):
        url = ""

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self):
            assert not self.headers["Content-Type"], "S3 refuses a content type that was not signed"
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Write nothing."""

    received = Answers()
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        received.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield received
        server.shutdown()
        thread.join()


@pytest.fixture
def module(load):
    """The module of the function."""
    return load("StoreScripts")


@pytest.fixture
def request_of(module, answers, context):
    """Return a function that makes CloudFormation's request, and returns the answer."""

    def send(kind):
        event = {
            "RequestType": kind,
            "ResponseURL": answers.url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Scripts",
        }
        module.handler(event, context)
        return answers.pop()

    return send


def stored(s3):
    """The objects of the bucket, by key."""
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="lake").get("Contents", ())]
    return {key: s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys}


def test_the_scripts_are_stored_where_the_jobs_of_the_template_read_them(s3, request_of):
    answer = request_of("Create")
    assert answer.pop("Data").keys() == {"Prefix"}
    assert answer == {
        "Status": "SUCCESS",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Scripts",
        "PhysicalResourceId": "scripts",
    }
    prefix = request_of("Update")["Data"]["Prefix"]
    assert stored(s3) == {prefix + name: content for name, content in SCRIPTS.items()}
    named = re.findall(r"s3://\$\{Lake\}/\$\{Scripts\.Prefix\}([\w.]+)", TEMPLATE)
    assert set(named) == SCRIPTS.keys()


def test_a_changed_script_gets_another_key_and_the_old_one_stays(s3, module, request_of, tmp_path, monkeypatch):
    """So a job that runs keeps its script, and a rollback finds it."""
    before = request_of("Create")["Data"]["Prefix"]
    for name, content in SCRIPTS.items():
        (tmp_path / name).write_bytes(content)
    with (tmp_path / min(SCRIPTS)).open("ab") as script:
        script.write(b"# changed\n")
    monkeypatch.setattr(module, "JOBS", Path(tmp_path))
    after = request_of("Update")["Data"]["Prefix"]
    assert before != after
    for name, content in SCRIPTS.items():
        assert stored(s3)[before + name] == content
        assert stored(s3)[after + name] == (tmp_path / name).read_bytes()


def test_a_failure_reaches_cloudformation_with_its_reason(s3, request_of):
    s3.delete_bucket(Bucket="lake")
    answer = request_of("Create")
    assert answer["Status"] == "FAILED"
    assert "NoSuchBucket" in answer["Reason"]


def test_the_scripts_go_with_the_stack_and_nothing_else_does(s3, request_of):
    """Every version of them, so that the bucket of a failed deployment can be deleted."""
    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="lake", Key="raw/orders.csv", Body=b"1")
    request_of("Create")
    request_of("Update")
    assert request_of("Delete")["Status"] == "SUCCESS"
    assert stored(s3) == {"raw/orders.csv": b"1"}
    versions = s3.list_object_versions(Bucket="lake")
    assert [each["Key"] for each in versions["Versions"]] == ["raw/orders.csv"]
    assert "DeleteMarkers" not in versions
    assert request_of("Delete")["Status"] == "SUCCESS"


def test_an_answer_that_does_not_arrive_makes_lambda_try_again(module, context):
    event = {
        "RequestType": "Delete",
        "ResponseURL": "http://127.0.0.1:1/",
        "StackId": "",
        "RequestId": "",
        "LogicalResourceId": "",
    }
    with pytest.raises(OSError, match="refused"):
        module.handler(event, context)
