"""The web page of a pattern: what is served, and the commands that open it."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from blueprints import web_page
from blueprints.cli import main
from blueprints.demo import DemoStack
from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud, owner_client
from blueprints.local.deployment import deploy
from blueprints.pattern import Pattern
from tests import small_pattern

TEMPLATE = """
    AWSTemplateFormatVersion: "2010-09-09"
    Description: S3
    Resources:
      Box: {Type: AWS::S3::Bucket}
    Outputs:
      Box: {Value: !Ref Box}
"""

DEMO = """
    from contextlib import contextmanager


    def run(stack):
        return {"box": stack.outputs["Box"]}


    @contextmanager
    def page(stack):
        s3, key = stack.client("s3"), {"Bucket": stack.outputs["Box"], "Key": "for-the-page"}
        s3.put_object(**key)
        try:
            yield {"users": ["ann"]}
        finally:
            s3.delete_object(**key)
            (stack.folder / "closed").write_text("")
"""


def with_page(folder: Path, **parts: str) -> Path:
    small_pattern.write(folder, template=TEMPLATE, **parts)
    web = folder / "web"
    web.mkdir()
    (web / "index.html").write_text("<p>hello</p>")
    (web / "app.js").write_text("export {};")
    return folder


@pytest.fixture
def pattern(tmp_path) -> Pattern:
    return Pattern.load(with_page(tmp_path / "box", demo="def run(stack): ..."))


@contextlib.contextmanager
def served(pattern: Pattern) -> Iterator[str]:
    stack = DemoStack({"Box": "b"}, lambda service: None, None, pattern.folder, lambda title: contextlib.nullcontext())
    with web_page.served(pattern, stack, "eu-west-1", None) as url:
        yield url


def get(url: str) -> tuple[bytes, http.client.HTTPMessage]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read(), answer.headers


def test_files_and_configuration(pattern):
    with served(pattern) as url:
        page, headers = get(url)
        assert (page, headers["Content-Type"]) == (b"<p>hello</p>", "text/html; charset=utf-8")
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert get(f"{url}app.js")[1]["Content-Type"] == "text/javascript"
        assert json.loads(get(f"{url}config.json?x=1")[0]) == {
            "outputs": {"Box": "b"},
            "region": "eu-west-1",
            "endpoint": None,
        }


@pytest.mark.parametrize("path", ["../template.yaml", "%2e%2e/template.yaml", "..%2ftemplate.yaml", "nothing.js"])
def test_nothing_outside_the_folder_is_served(pattern, path):
    (pattern.folder / "web" / "folder").mkdir()
    with served(pattern) as url:
        for wanted in (path, "folder/"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                get(url + wanted)
            assert caught.value.code == 404
            caught.value.close()


def test_another_host_name_is_refused(pattern):
    with served(pattern) as url:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=10)
        connection.request("GET", "/config.json", headers={"Host": "example.com"})
        assert connection.getresponse().status == 403
        connection.close()


def test_a_failure_of_the_patterns_page_function_is_explained(tmp_path):
    demo = "def run(stack): ...\n\n\ndef page(stack):\n    raise PermissionError('no users may be made')\n"
    failing = Pattern.load(with_page(tmp_path / "box", demo=demo))
    with pytest.raises(BlueprintError, match="The page cannot be shown: no users may be made"), served(failing):
        pass


def test_the_server_ends_with_the_block(pattern):
    with served(pattern) as url:
        get(url)
    with pytest.raises(urllib.error.URLError):
        get(url)


@pytest.mark.parametrize("command", [["run"], ["play", "--stack", "any", "--endpoint", "http://127.0.0.1:1"]])
def test_a_pattern_without_a_page_is_refused_before_anything_starts(tmp_path, command):
    folder = small_pattern.write(tmp_path / "greeting")
    result = CliRunner().invoke(main, [*command, str(folder), "--open"])
    assert result.exit_code == 1
    assert "has no web page" in result.output


def test_a_folder_without_an_index_is_no_page(pattern):
    (pattern.folder / "web" / "index.html").unlink()
    with pytest.raises(BlueprintError, match="has no web page"):
        web_page.folder_of(pattern)


@contextlib.contextmanager
def opened_by(command: str, folder: Path, *options: str) -> Iterator[dict]:
    """Run a command with --open; yields its report, and stops it by Ctrl-C afterwards."""
    opened, browser = folder.parent / "opened", folder.parent / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("blueprints")), command, str(folder), "--open", "--json", *options],
        cwd=folder.parent,
        env={**os.environ, "BROWSER": str(browser)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        report = json.loads(process.stdout.readline())
        yield report
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert opened.read_text().strip() == report["page"]
    with pytest.raises(urllib.error.URLError):
        get(report["page"])


def test_run_opens_the_page_and_serves_it_until_it_is_stopped(tmp_path):
    folder = with_page(tmp_path / "box", demo=DEMO)
    with opened_by("run", folder) as report:
        config = json.loads(get(f"{report['page']}config.json")[0])
        assert config["outputs"] == {"Box": report["result"]["box"]}
        assert config["users"] == ["ann"]
        assert get(report["page"])[0] == b"<p>hello</p>"
        owner_client(config["endpoint"], "s3").head_object(Bucket=report["result"]["box"], Key="for-the-page")
    assert (tmp_path / ".blueprints" / "runs" / "box" / "closed").exists()


def test_play_opens_the_page_of_a_stack_that_is_deployed(tmp_path):
    folder = with_page(tmp_path / "box", demo=DEMO)
    with Cloud() as cloud:
        template = {"Resources": {"Box": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"Box": {"Value": {"Ref": "Box"}}}}
        box = deploy(cloud, "box", json.dumps(template)).outputs["Box"]
        with opened_by("play", folder, "--stack", "box", "--endpoint", cloud.endpoint) as report:
            config = json.loads(get(f"{report['page']}config.json")[0])
            assert (config["outputs"], config["endpoint"]) == ({"Box": box}, cloud.endpoint)
            cloud.client("s3").head_object(Bucket=box, Key="for-the-page")
        with pytest.raises(ClientError):  # what the page needed is gone
            cloud.client("s3").head_object(Bucket=box, Key="for-the-page")
