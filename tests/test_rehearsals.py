"""Rehearsals: a wrong version is stopped, a right one is deployed, and the status of the command says which."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.copying import copy
from blueprints.errors import BlueprintError
from blueprints.pattern import find
from blueprints.rehearsals import command, one_in_ten
from blueprints.rehearsals.__main__ import overview, pattern_table
from blueprints.rehearsals.answers import Answers
from blueprints.rehearsals.breaks import BREAKS, apply
from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.picture import picture
from blueprints.rehearsals.rehearsal import Handled, Rehearsal
from blueprints.rehearsals.repeated_events import Repeated
from blueprints.rehearsals.reporting import table, verdict_lines
from blueprints.rehearsals.settings import read_settings
from blueprints.rehearsals.stage import function_to_change, plays_meanwhile
from blueprints.rehearsals.targets import StateMachineTarget
from blueprints.rehearsals.traffic import Played, Traffic
from tests import small_pattern

IMAGES = "s3-image-processing"


def rehearse(tmp_path, *options):
    """The exit status and the report of `blueprints rehearse`."""
    ended = CliRunner().invoke(main, ["rehearse", *options, "--output", str(tmp_path / "out"), "--json"])
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
    assert "The hook before traffic stopped the changed version after it had handled 0 events wrongly" in words


@pytest.mark.parametrize(
    ("pattern", "broken"),
    [
        ("appsync-mobile", "times-out"),
        ("glue-data-lake", "cannot-be-imported"),
    ],
)
def test_a_wrong_version_of_a_pattern_is_stopped_before_it_gets_an_event(tmp_path, pattern, broken):
    """`python -m blueprints.rehearsals` plays every break on every pattern."""
    status, report = rehearse(tmp_path, pattern, "--break", broken)

    assert (status, report["outcome"], report["handled_wrongly"]) == (0, "stopped", 0), report
    assert report["stopped_by"].startswith(("the hook before traffic", "the alarm "))
    assert report["demos"]["afterwards"] is None


def test_an_unchanged_version_is_deployed_while_the_demo_goes_on(tmp_path):
    status, report = rehearse(tmp_path, IMAGES, "--preference", "AllAtOnce")

    assert (status, report["outcome"], report["handled_wrongly"]) == (0, "deployed", 0)
    assert [each["share"] for each in report["timeline"] if each["kind"] == "weight"] == [1.0]
    versions = {each["version"]: each for each in report["versions"]}
    assert versions["changed"]["events"] > 0
    assert versions["changed"]["wrong_answers"] == 0
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
        "import time, work\n"
        "slept = []\n"
        "time.sleep = slept.append\n"
        "class Context:\n    memory_limit_in_mb = '1'\n    get_remaining_time_in_millis = lambda self: 2000\n"
        f"print(work.handler({one_in_ten.varied([{}], 1)[0]}, Context()), slept, len(getattr(work, 'taken', b'')))\n"
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


def test_an_unknown_preference_is_refused_with_those_that_the_template_allows(tmp_path):
    ended = CliRunner().invoke(main, ["rehearse", IMAGES, "--preference", "Canary1Percent", "--output", str(tmp_path)])

    assert ended.exit_code == 1
    assert "Canary1Percent is not a value of the parameter DeploymentPreference" in ended.output
    assert "Linear10PercentEvery1Minute" in ended.output


def test_a_demo_that_fails_before_the_change_is_named(tmp_path):
    mine = copy(find(IMAGES), tmp_path / "mine").folder
    with (mine / "demo.py").open("a") as demo:
        demo.write("\n\ndef run(stack):\n    raise ValueError('no such photo')\n")

    ended = CliRunner().invoke(main, ["rehearse", str(mine), "--output", str(tmp_path / "out")])

    assert ended.exit_code == 1
    assert "The demo fails before anything is changed: ValueError: no such photo" in ended.output
    assert not (tmp_path / "out").exists()


def test_a_function_that_is_not_deployed_gradually_cannot_be_changed():
    target = StateMachineTarget("Machine", "arn:machine", "live", "arn:machine:live", {})
    with pytest.raises(BlueprintError, match="has no function Gone") as refused:
        function_to_change([target], "Gone", find("stepfunctions-etl"), "stepfunctions-etl")
    assert "TransformObjects" in str(refused.value)
    with pytest.raises(BlueprintError, match="has no function and no state machine that is deployed gradually"):
        function_to_change([], None, find(IMAGES), IMAGES)


def test_an_interrupted_rehearsal_leaves_no_process_and_no_copy(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    program = [Path(sys.executable).with_name("blueprints"), "rehearse", IMAGES, "--output", str(tmp_path / "out")]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if "BeforeAllowTraffic InProgress" in line:
                break
        processes = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        _, alive = psutil.wait_procs(processes, timeout=30)

    assert running.returncode == 130
    assert processes
    assert not alive
    assert not [each.name for each in (tmp_path / "tmp").iterdir() if (each / "1").exists()]


def test_a_handler_that_is_no_function_of_a_file_cannot_be_broken(tmp_path):
    function = SimpleNamespace(logical_id="Work", code=tmp_path, handler="gone.handler", line=2)

    with pytest.raises(BlueprintError, match=r"gone\.handler"):
        apply(BREAKS["raises"], tmp_path / "template.yaml", function)


def rehearsal(**changes):
    values = {
        "pattern": "shop",
        "break_name": "raises",
        "function": "Sell",
        "change": "Sell <fails> & raises",
        "preference": "AllAtOnce",
        "wanted": "stopped",
        "outcome": "deployed",
        "stopped_by": None,
        "reason": None,
        "began": 100.0,
        "seconds": 10.0,
        "scale": 60.0,
        "changes": [Change(101.0, "Sell", "weight", "version 2 has 100% of the traffic", 1.0)],
        "handled": [Handled("Sell", "released", 5, 1, 0), Handled("Sell", "changed", 7, 2, 1)],
        "wrongly_in_part": 2,
        "refused": 0,
        "demos": 3,
        "failed_demos": [],
        "afterwards": None,
    }
    return Rehearsal(**{**values, **changes})


def test_the_verdict_says_what_came_through_and_how_many_events_it_handled_wrongly():
    wrong = rehearsal()
    words = "\n".join(verdict_lines(wrong))

    assert not wrong.is_as_wanted
    assert wrong.handled_wrongly == 3
    assert "Sell, changed version: 7 events, 2 errors, 1 wrong answer" in words
    assert "It should have been stopped. It handled 7 events, 3 of them wrongly" in words


def test_a_version_that_came_through_without_an_event_that_it_handles_wrongly_is_undecided():
    undecided = rehearsal(wrongly_in_part=0)

    assert undecided.is_undecided
    assert not undecided.is_as_wanted
    assert "too few events for a verdict" in "\n".join(verdict_lines(undecided))
    assert not rehearsal(wrongly_in_part=None).is_undecided
    assert not rehearsal(wrongly_in_part=0, outcome="stopped").is_undecided


def test_an_update_that_fails_without_hook_or_alarm_is_no_success():
    failed = rehearsal(outcome="failed", reason="Sell: AccessDenied")
    words = "\n".join(verdict_lines(failed))

    assert not failed.is_as_wanted
    assert "no hook and no alarm has stopped it: Sell: AccessDenied" in words


def test_the_table_has_a_row_for_each_version():
    stopped = rehearsal(outcome="stopped", stopped_by="the alarm SellErrors")
    rows = [line.split("  ") for line in table([stopped, rehearsal(break_name=None, wanted="deployed", handled=[])])]

    assert [[cell.strip() for cell in row if cell] for row in rows] == [
        ["the new version", "outcome", "handled wrongly", "seconds"],
        ["raises", "stopped by the alarm SellErrors", "3 of 7 events", "10.0"],
        ["unchanged", "deployed", "0 of 0 events", "10.0"],
    ]


class Remembering(Repeated):
    """Handles all events but those of the number 2."""

    def send(self, event):
        return event["number"] != 2


def test_copies_of_one_event_are_never_sent_at_the_same_time():
    repeated = Remembering(None, None, [{"number": number} for number in range(7)])
    repeated.concentrate()
    repeated.choose()
    threads = [{event["number"] for event in events} for events in repeated.of_thread()]

    assert threads == [{0, 5}, {1, 6}, {3}, {4}]
    assert sum(map(len, repeated.of_thread())) == len(repeated.events) == 40
    assert sum(one_in_ten.is_broken(event) for event in repeated.events) == 4
    assert Remembering(None, None, []).of_thread() == []


@pytest.mark.parametrize(
    ("events", "seconds", "fails", "plays"),
    [([{}], 1.0, False, True), ([{}], 5.0, False, False), ([{}], 1.0, True, False), ([], 5.0, False, True)],
)
def test_a_demo_that_is_long_or_fails_on_purpose_is_not_played_meanwhile(events, seconds, fails, plays):
    judged = Remembering(None, SimpleNamespace(logical_id="Sell"), events)

    assert plays_meanwhile(judged, Played(seconds, None), fails_on_purpose=fails) is plays


def test_a_rehearsal_without_traffic_is_refused():
    judged = Remembering(None, SimpleNamespace(logical_id="Sell"), [])

    with pytest.raises(BlueprintError, match="There is no traffic for Sell") as refused:
        plays_meanwhile(judged, Played(1.0, None), fails_on_purpose=True)
    assert "rehearsal.toml" in str(refused.value)


class Stage:
    """Plays rehearsals whose ends are written down; `calls` has what was asked of it."""

    def __init__(self, ends):
        self.ends, self.calls = ends, []

    def __call__(self, *_):
        return self

    def open(self):
        self.calls.append("open")

    def close(self):
        self.calls.append("close")

    def restore(self):
        self.calls.append("restore")

    def rehearse(self, change, own):
        name = change.name if change else None
        self.calls.append(name)
        return rehearsal(break_name=name, wanted="stopped" if name else "deployed", **self.ends[name].pop(0))


STOPPED = {"outcome": "stopped", "stopped_by": "the hook before traffic", "reason": "because"}


def play(monkeypatch, folder, stage, broken):
    monkeypatch.setattr(command, "Stage", stage)
    lines = []
    played, report = command.rehearse(find(IMAGES), None, {}, None, lines.append, broken, None, None, None, folder)
    return played, report, "\n".join(lines)


def test_all_breaks_are_played_and_a_version_that_came_through_is_replaced(monkeypatch, tmp_path):
    ends = {name: [STOPPED] for name in BREAKS} | {"memory": [{"wrongly_in_part": 4}], None: [{}]}
    stage = Stage(ends)
    played, report, words = play(monkeypatch, tmp_path, stage, "all")

    assert stage.calls == ["open", *BREAKS, "restore", None, "close"]
    assert [each.is_as_wanted for each in played] == [*[True] * (len(BREAKS) - 1), False, True]
    assert report["as_wanted"] is False
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.svg" for name in [*BREAKS, "unchanged"])
    assert "memory              deployed (wrong)" in words


def test_a_rehearsal_without_a_chance_to_fail_is_repeated(monkeypatch, tmp_path):
    stage = Stage({"raises-sometimes": [{"wrongly_in_part": 0}, STOPPED]})
    played, report, words = play(monkeypatch, tmp_path, stage, "raises-sometimes")

    assert stage.calls == ["open", "raises-sometimes", "restore", "raises-sometimes", "close"]
    assert played[0].is_as_wanted
    assert report["stopped_by"] == "the hook before traffic"
    assert "so it is deployed again" in words


def test_a_rehearsal_is_repeated_three_times_at_most(monkeypatch, tmp_path):
    stage = Stage({"raises-sometimes": [{"wrongly_in_part": 0}] * 4})
    played, _, words = play(monkeypatch, tmp_path, stage, "raises-sometimes")

    assert stage.calls.count("raises-sometimes") == 4
    assert not played[0].is_as_wanted
    assert "too few events for a verdict" in words


def test_the_page_keeps_the_rows_of_other_patterns():
    stopped = rehearsal(outcome="stopped", stopped_by="the alarm SellErrors")
    first = overview("", "shop", [stopped])
    both = overview(first, "cart", [rehearsal(outcome="stopped", stopped_by="the hook before traffic")])

    assert both.splitlines() == [
        "| pattern | `raises` |",
        "| --- | --- |",
        "| cart | hook |",
        "| shop | `SellErrors`: 3 |",
    ]
    assert overview(both, "shop", [stopped]) == both
    assert pattern_table([stopped]).splitlines()[2:] == [
        "| `raises` | stopped by the alarm SellErrors | 3 of 7 events |"
    ]


def test_a_demo_that_fails_afterwards_is_no_success():
    assert not rehearsal(outcome="stopped", afterwards="the picture is missing").is_as_wanted


def test_the_picture_is_well_formed_whatever_the_words():
    words = "".join(ET.fromstring(picture(rehearsal())).itertext())

    assert "Sell <fails> & raises" in words


def test_the_picture_shows_the_other_aliases_and_which_deployment_stopped_the_update():
    changes = [
        Change(101.0, "Sell", "weight", "version 2 has 10% of the traffic", 0.1),
        Change(102.0, "Send", "weight", "version 2 has 10% of the traffic", 0.1),
        Change(103.0, "Send", "alarm", "SendErrors: ALARM"),
        Change(104.0, "Send", "deployment", "d-2 Stopped (ALARM_ACTIVE)"),
        Change(105.0, "Keep", "weight", "version 2 has 10% of the traffic", 0.1),
        Change(106.0, "Keep", "deployment", "d-3 Stopped (MANUAL_STOP)"),
    ]
    drawn = ET.fromstring(picture(rehearsal(changes=changes, outcome="stopped", reason="SendAlias: d-2 ended")))
    words = list(drawn.itertext())

    assert "Traffic to the changed version of Sell (grey: Send, Keep)" in words
    assert len(drawn.findall(".//{*}polyline")) == 2
    assert "Send: SendErrors: ALARM" in words
    assert not [each for each in words if each.startswith("Keep:")]


def test_one_event_in_ten_is_broken_and_stays_so():
    events = one_in_ten.varied([{"a": 1}, {"b": 2}], 40)
    broken = [event for event in events if one_in_ten.is_broken(event)]

    assert len({json.dumps(each) for each in events}) == 40
    assert len(broken) == 4
    assert all(one_in_ten.is_broken(json.loads(json.dumps(each))) for each in broken)
    assert 60 < sum(one_in_ten.is_broken({"number": number}) for number in range(1000)) < 140


def test_the_changed_handler_decides_as_the_traffic_does():
    changed = f"def handler(event):\n{textwrap.indent(one_in_ten.SOURCE, '    ')}    return True\n"
    space = {}
    exec(changed, space)
    for event in one_in_ten.varied([{"text": "ü"}], 20):
        if one_in_ten.is_broken(event):
            with pytest.raises(RuntimeError, match="broken for the rehearsal"):
                space["handler"](event)
        else:
            assert space["handler"](event)


def test_answers_of_another_shape_are_wrong():
    answers = Answers()
    answers.add("1", {"batchItemFailures": []})
    answers.add("1", {"batchItemFailures": [{"itemIdentifier": "a"}]})
    for given in (None, {"batchItemFailures": [{"itemIdentifier": "b"}]}, {"batchItemFailures": None}, {}):
        answers.add("2", given)

    assert answers.wrong("2", released="1") == 3
    assert answers.wrong("3", released="1") == 0


def test_the_settings_of_a_rehearsal_change_constants_of_the_demo(tmp_path):
    (tmp_path / "demo.py").write_text("ROWS = 100\n\n\ndef run(stack):\n    return {'rows': ROWS}\n")
    (tmp_path / "rehearsal.toml").write_text('[parameters]\nSize = "1"\n\n[demo]\nROWS = 3\n')
    settings = read_settings(tmp_path)
    settings.write_demo(tmp_path)
    space = {}
    exec((tmp_path / "demo.py").read_text(), space)

    assert settings.parameters == {"Size": "1"}
    assert space["run"](None) == {"rows": 3}


@pytest.mark.parametrize("written", ["[demo]\nROWS = 'x'\n", "[parameters]\nSize = 1\n", "rows = 1\n", "[demo"])
def test_mistakes_in_the_settings_are_named(tmp_path, written):
    (tmp_path / "rehearsal.toml").write_text(written)

    with pytest.raises(BlueprintError, match=r"rehearsal\.toml") as refused:
        read_settings(tmp_path)
    assert "rehearsal.toml" in str(refused.value)


class Sending:
    """A sender of which every third event is refused."""

    a_second = 1000.0

    def __init__(self):
        self.sent = []

    def of_thread(self):
        return [0, 1, 2], [3, 4, 5]

    def send(self, event):
        self.sent.append(event)
        if event % 3 == 0:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")


def test_traffic_goes_on_when_events_are_refused_and_ends_with_stop(tmp_path):
    folder = small_pattern.write(tmp_path / "small")
    (folder / "demo.py").write_text("def run(stack):\n    return {}\n")
    sending, traffic = Sending(), Traffic(find(folder), {}, lambda _: None)
    traffic.start([sending])
    traffic.follow("Function", 0.1)
    deadline = time.monotonic() + 30
    while (len(set(sending.sent)) < 6 or not traffic.runs) and time.monotonic() < deadline:
        time.sleep(0.01)
    traffic.stop()
    sent = len(sending.sent)

    assert set(sending.sent) == set(range(6))
    assert traffic.refused == sum(event % 3 == 0 for event in sending.sent)
    assert traffic.runs
    assert not [each for each in threading.enumerate() if each.name == "traffic"]
    assert len(sending.sent) == sent


@pytest.mark.parametrize(
    ("shares", "is_fast"),
    [
        ([("Replicate", 0.1)], True),
        ([("Replicate", 0.1), ("Announce", 0.1), ("Announce", 1.0)], True),
        ([("Replicate", 0.1), ("Announce", 0.1), ("Announce", 1.0), ("Replicate", 1.0)], False),
        ([("Replicate", 0.1), ("Replicate", 0.0)], False),
        ([("Replicate", 1.0)], True),
        ([("Replicate", None)], False),
    ],
    ids=["a part", "one of two has all", "both have all", "went back", "all at once", "no weight"],
)
def test_many_events_are_sent_while_an_alias_has_a_part_of_the_traffic(shares, is_fast):
    traffic = Traffic(None, {}, lambda _: None)
    for target, share in shares:
        traffic.follow(target, share)

    assert traffic.is_fast == is_fast
