"""`blueprints run` and `invoke` with state machines: what they show, write, and how they end."""

import json
import signal
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.test_cli import Shell

TEMPLATE = """
    AWSTemplateFormatVersion: "2010-09-09"
    Transform: AWS::Serverless-2016-10-31
    Description: An order
    Resources:
      Order:
        Type: AWS::Serverless::StateMachine
        Properties:
          AutoPublishAlias: live
          Definition:
            QueryLanguage: JSONata
            StartAt: How
            States:
              How:
                Type: Choice
                Choices:
                  - Condition: "{% $states.input.ends = 'badly' %}"
                    Next: Bad
                  - Condition: "{% $states.input.ends = 'late' %}"
                    Next: Pause
                Output: {is: "{% 'of ' & $states.input.of %}"}
                Default: Good
              Pause: {Type: Wait, Seconds: 864000, Next: Good}
              Good: {Type: Succeed}
              Bad: {Type: Fail, Error: OrderRejected, Cause: It is bad}
      Quick:
        Type: AWS::Serverless::StateMachine
        Properties:
          Type: EXPRESS
          Definition: {StartAt: Only, States: {Only: {Type: Pass, End: true}}}
    Outputs:
      Order: {Value: !Ref Order}
"""
DEMO = """
    import json
    import time

    def run(stack):
        states = stack.client("stepfunctions")
        started = [
            states.start_execution(stateMachineArn=stack.outputs["Order"], input=json.dumps({"ends": ends}))
            for ends in ("well", "well", "badly")
        ]
        for each in started:
            while states.describe_execution(executionArn=each["executionArn"])["status"] == "RUNNING":
                time.sleep(0.05)
        (stack.folder / "orders.txt").write_text("3")
        return {"orders": 3}
"""


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path / "work")
    yield shell
    assert shell.left_behind() == []


@pytest.fixture
def pattern(tmp_path):
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "template.yaml").write_text(textwrap.dedent(TEMPLATE))
    (folder / "demo.py").write_text(textwrap.dedent(DEMO))
    return str(folder)


def event(tmp_path, **content):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_run_shows_the_executions_of_its_demo_and_draws_them(shell, pattern):
    ended = shell("run", pattern)

    assert ended.returncode == 0, ended.output
    assert "SUCCEEDED after" in ended.stdout
    assert "and 1 execution like it" in ended.stdout
    assert "FAILED after" in ended.stdout
    assert "OrderRejected: It is bad" in ended.stdout
    folder = shell.folder / ".blueprints" / "runs" / "orders" / "executions"
    pictures = sorted(folder.iterdir())
    assert len(pictures) == 2
    assert all(str(each) in ended.stdout for each in pictures)
    titles = [ET.parse(each).getroot()[0].text for each in pictures]
    assert sorted(title.split(": ")[1].split()[0] for title in titles) == ["FAILED", "SUCCEEDED"]


def test_run_shows_the_executions_of_a_demo_that_fails(shell, pattern):
    demo = Path(pattern, "demo.py")
    demo.write_text(demo.read_text().replace('return {"orders": 3}', 'raise ValueError("no orders")'))
    ended = shell("run", pattern)

    assert ended.returncode == 1
    assert "OrderRejected: It is bad" in ended.stdout
    assert "The demo failed: no orders" in ended.stderr
    assert not (shell.folder / ".blueprints" / "runs" / "orders").exists(), "a failed demo leaves nothing behind"


def test_run_in_json_has_the_executions(shell, pattern):
    ended = shell("run", pattern, "--json")

    assert ended.returncode == 0, ended.output
    report = json.loads(ended.stdout)
    executions = report["executions"]
    assert sorted(each["status"] for each in executions) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert {each["state_machine"] for each in executions} == {"Order"}
    assert executions[-1]["states"][0]["name"] == "How"
    assert [Path(each).suffix for each in report["files"]] == [".txt", ".svg", ".svg"]


def test_invoke_runs_a_state_machine_and_shows_its_output(shell, pattern, tmp_path):
    ended = shell("invoke", pattern, "Order", "--event", event(tmp_path, ends="well", of="glass"))

    assert ended.returncode == 0, ended.output
    assert "✓ Run Order" in ended.stdout
    assert "SUCCEEDED after" in ended.stdout
    assert '"is": "of glass"' in ended.stdout


def test_invoke_ends_badly_when_the_execution_fails(shell, pattern, tmp_path):
    ended = shell("invoke", pattern, "Order", "--event", event(tmp_path, ends="badly", of="glass"), "--json")

    assert ended.returncode == 1
    report = json.loads(ended.stdout)
    assert (report["status"], report["error"], report["cause"]) == ("FAILED", "OrderRejected", "It is bad")
    assert [(each["name"], each["status"]) for each in report["states"]] == [("How", "succeeded"), ("Bad", "failed")]
    assert report["output"] is None


def test_invoke_shows_the_output_of_an_express_state_machine(shell, pattern, tmp_path):
    ended = shell("invoke", pattern, "Quick", "--event", event(tmp_path, of="glass"), "--json")

    assert ended.returncode == 0, ended.output
    report = json.loads(ended.stdout)
    assert (report["state_machine"], report["status"], report["output"]) == ("Quick", "SUCCEEDED", {"of": "glass"})


def test_ctrl_c_ends_the_wait_and_shows_what_the_execution_did(shell, pattern, tmp_path):
    running = shell.start("invoke", pattern, "Order", "--event", event(tmp_path, ends="late", of="glass"))
    shown = ""
    while "in Pause" not in shown:
        line = running.stdout.readline()
        assert line, running.stderr.read()
        shown += line
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "✗ Run Order" in output
    assert "RUNNING" in output
    assert "Pause" in output
    assert "Stopped waiting." in errors
    assert "blueprints up" in errors
