"""Rehearsals: a wrong version is stopped, a right one deployed, and the status of the command says which."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.copying import copy
from blueprints.errors import BlueprintError
from blueprints.pattern import find
from blueprints.rehearsals.breaks import BREAKS, apply
from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.picture import picture
from blueprints.rehearsals.rehearsal import Handled, Rehearsal
from blueprints.rehearsals.reporting import verdict_lines
from tests import small_pattern

IMAGES = "s3-image-processing"


def rehearse(tmp_path, *options):
    """The exit status and the report of `blueprints rehearse`."""
    command = ["rehearse", *options, "--output", str(tmp_path / "out"), "--json"]
    ended = CliRunner().invoke(main, command)
    assert ended.output.startswith("{"), ended.output
    return ended.exit_code, json.loads(ended.output)


def test_a_version_with_a_wrong_result_is_stopped_by_its_hook(tmp_path):
    status, report = rehearse(tmp_path, IMAGES, "--break", "wrong-result")

    assert (status, report["outcome"], report["as_wanted"], report["handled_wrongly"]) == (0, "stopped", True, 0)
    assert "HOOK_EXECUTION_FAILURE" in report["reason"]
    assert [each["what"] for each in report["timeline"] if each["kind"] == "event"] == [
        "BeforeAllowTraffic InProgress",
        "BeforeAllowTraffic Failed",
    ]
    (drawn,) = report["files"]
    words = "".join(ET.parse(drawn).getroot().itertext())
    assert "BeforeAllowTraffic Failed" in words
    assert "stopped after it had handled 0 events wrongly" in words


def test_an_unchanged_version_is_deployed_while_the_demo_goes_on(tmp_path):
    status, report = rehearse(tmp_path, IMAGES, "--preference", "AllAtOnce")

    assert (status, report["outcome"], report["handled_wrongly"]) == (0, "deployed", 0)
    assert [each["share"] for each in report["timeline"] if each["kind"] == "weight"] == [1.0]
    versions = {each["version"]: each for each in report["versions"]}
    assert versions["changed"]["invocations"] > 0
    assert report["demos"]["failed"] == []
    assert report["demos"]["afterwards"] is None


def test_a_changed_copy_of_ones_own_is_deployed_as_the_new_version(tmp_path):
    own = copy(find(IMAGES), tmp_path / "mine").folder
    source = own / "src" / "render_image.py"
    source.write_text(source.read_text() + "\n\nCHANGED = True\n")

    status, report = rehearse(tmp_path, IMAGES, "--changed", str(own), "--preference", "AllAtOnce")

    assert (status, report["outcome"]) == (0, "deployed")
    assert {each["version"] for each in report["versions"]} == {"released", "changed"}


def test_a_break_of_a_changed_copy_is_refused():
    ended = CliRunner().invoke(main, ["rehearse", IMAGES, "--changed", ".", "--break", "raises"])

    assert ended.exit_code == 1
    assert "Either --break or --changed" in ended.output


def test_a_pattern_without_gradual_deployment_is_refused(tmp_path):
    folder = small_pattern.write(tmp_path / "small")

    ended = CliRunner().invoke(main, ["rehearse", str(folder), "--output", str(tmp_path / "out")])

    assert ended.exit_code == 1
    assert "no parameter DeploymentPreference" in ended.output


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_does_what_it_says(tmp_path, name):
    """The changed module is run in a process of its own, with a context that has little time and memory."""
    source = tmp_path / "src" / "work.py"
    source.parent.mkdir()
    source.write_text(
        '"""Works."""\n\nfrom __future__ import annotations\n\n\ndef handler(event, context):\n    return "done"\n'
    )
    template = tmp_path / "template.yaml"
    template.write_text(
        "Resources:\n  Work:\n    Type: AWS::Serverless::Function\n    Properties:\n      Timeout: 30\n"
        "      Handler: work.handler\n\n  Other:\n    Type: AWS::SQS::Queue\n"
    )
    function = SimpleNamespace(logical_id="Work", code=source.parent, handler="work.handler", line=2)

    apply(BREAKS[name], template, function)

    program = (
        "import random, time, work\n"
        "random.random = lambda: 0.05\n"
        "slept = []\n"
        "time.sleep = slept.append\n"
        "class Context:\n    memory_limit_in_mb = '1'\n    get_remaining_time_in_millis = lambda self: 2000\n"
        "print(work.handler({}, Context()), slept, len(getattr(work, 'taken', b'')))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=source.parent, capture_output=True, text=True, check=False
    )
    expected = {
        "raises": "RuntimeError: broken for the rehearsal",
        "raises-sometimes": "RuntimeError: broken for the rehearsal",
        "times-out": "None [7.0] 0",
        "wrong-result": "None [] 0",
        "cannot-be-imported": "No module named 'a_module_that_is_not_in_the_package'",
        "memory": "done [] 0",
    }
    assert expected[name] in ran.stdout + ran.stderr
    assert ("Timeout: 2\n" in template.read_text()) == (name == "times-out")
    assert template.read_text().count("Timeout:") == 1


def test_a_handler_that_is_no_function_of_a_file_cannot_be_broken(tmp_path):
    function = SimpleNamespace(logical_id="Work", code=tmp_path, handler="gone.handler", line=2)

    with pytest.raises(BlueprintError, match=r"gone\.handler"):
        apply(BREAKS["raises"], tmp_path / "template.yaml", function)


def rehearsal(**changes):
    values = {
        "pattern": "shop",
        "function": "Sell",
        "change": "Sell <fails> & raises",
        "preference": "AllAtOnce",
        "wanted": "stopped",
        "outcome": "deployed",
        "reason": None,
        "began": 100.0,
        "seconds": 10.0,
        "scale": 60.0,
        "changes": [Change(101.0, "Sell", "weight", "version 2 has 100% of the traffic", 1.0)],
        "handled": [Handled("Sell", "released", 5, 1), Handled("Sell", "changed", 7, 2)],
        "demos": 3,
        "failed_demos": [],
        "afterwards": None,
    }
    return Rehearsal(**{**values, **changes})


def test_the_verdict_says_what_came_through_and_how_many_events_it_handled_wrongly():
    wrong = rehearsal()

    assert not wrong.is_as_wanted
    assert wrong.handled_wrongly == 2
    assert any(
        "It should have been stopped. It handled 7 events, 2 of them wrongly" in each for each in verdict_lines(wrong)
    )


def test_a_demo_that_fails_afterwards_is_no_success():
    assert not rehearsal(outcome="stopped", afterwards="the picture is missing").is_as_wanted


def test_the_picture_is_well_formed_whatever_the_words():
    words = "".join(ET.fromstring(picture(rehearsal())).itertext())

    assert "Sell <fails> & raises" in words
