"""What a run shows of its results: every file while a person can take them in, then the folders that hold them.

What comes from AWS, templates, files and logs is shown as it is.
"""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from blueprints.local.cloud import FunctionResponse
from blueprints.progress import Step
from blueprints.terminal import Terminal

REPORT = {"pattern": "greeting", "steps": [], "result": {}, "not_emulated": []}


def cloud_with(environment):
    """What `up` shows of an embedded AWS."""
    return SimpleNamespace(
        endpoint="http://127.0.0.1:1",
        tls_endpoint="https://127.0.0.1:2",
        certificate_authority=Path("/tmp/authority.pem"),
        environment=environment,
    )


@pytest.fixture
def shown(capsys):
    def show(*files):
        Terminal().show_run({**REPORT, "files": list(files)})
        return [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]

    return show


def test_a_few_files_are_all_named(shown):
    files = [f"/runs/greeting/{number}.txt" for number in range(8)]

    assert shown(*files) == files


def test_many_files_are_shown_by_their_folders(shown):
    many = [f"/runs/greeting/data/{number}.gz" for number in range(12)]

    assert shown(*many, "/runs/greeting/events.ndjson") == [
        "/runs/greeting/data  (12 files)",
        "/runs/greeting/events.ndjson",
    ]


def test_the_many_files_of_a_try_are_shown_by_their_folders_too(capsys):
    files = [f"/tries/notes/data/{number}.gz" for number in range(20)]
    trial = {"pattern": "notes", "passed": True, "result": {}, "files": files, "kept": False}

    Terminal().show_try(trial)

    assert "/tries/notes/data  (20 files)" in capsys.readouterr().out


FOREIGN = [
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhook",
    "arn:aws:sns:us-east-1:000000000000:key:one",
    ":smile:",
    "[red]stop[/red]",
    "[/nothing]",
    "[link=https://example.com]here[/link]",
    "[bold",
    "\\[escaped]",
    "{braces} %s $HOME `id` 'quoted' \"twice\"",
    "@click=app.bell",
    "räksmörgås 日本語 😀",
    "x" * 300,
]


def everything_shown(text, capsys, monkeypatch):
    """Shows everything that a command can show, with `text` wherever text from outside can be."""
    monkeypatch.setattr("blueprints.local.urls.urls", lambda *_: [])
    shown = Terminal()
    step = Step(text, notes=[text])
    shown.started(step)
    shown.updated(step, text)
    shown.finished(step, well=False)
    pattern = {"name": text, "version": text, "flow": text, "companions": [f"{text.replace('/', '-')}.yaml"]}
    shown.show_patterns([{**pattern, "repository": {"verdict": "accepted"}}])
    not_emulated = [{"resource": text, "type": text, "consequence": text}]
    result = {text: text, "listed": [{"column": text, text: "value"}]}
    report = {"pattern": text, "steps": [], "result": result, "not_emulated": not_emulated, "files": [text]}
    shown.show_run(report)
    kept = {"kept": True, "twin": text, "version": text, "stack": text}
    shown.show_try({**report, **kept, "passed": True})
    cloud = cloud_with(dict)
    stack = SimpleNamespace(name=text, outputs={text: text}, not_emulated=not_emulated)
    shown.show_up(cloud, [stack])
    shown.show_answer(FunctionResponse(payload=None, failed=False, log=text, duration_ms=None, memory_mb=None))
    return capsys.readouterr().out


@pytest.mark.parametrize("text", FOREIGN)
def test_text_from_outside_is_shown_unchanged(text, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "2000")

    shown = everything_shown(text, capsys, monkeypatch)

    expected = everything_shown("PLAIN", capsys, monkeypatch).count("PLAIN")
    assert shown.count(text) >= expected - 1  # a file name loses its extension


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]8;;http://example.com\x07link", "␛]8;;http://example.com␇link"),
        ("back\b\b\bspaces", "back␈␈␈spaces"),
        ("over\rwritten", "over␍written"),
        ("windows\r\nline", "windows\nline"),
        ("\x9b31mred", "\\x9b31mred"),
        ("nul\x00", "nul␀"),
        ("not \udcff utf-8", "not \\udcff utf-8"),
        ("a\ttab", "a       tab"),
    ],
)
def test_control_characters_from_outside_are_shown_as_symbols(text, visible, capsys):
    Terminal().show_answer(FunctionResponse(payload=text, failed=False, log=text, duration_ms=None, memory_mb=None))

    shown = capsys.readouterr().out
    assert visible in shown
    assert not set(shown) & ({chr(code) for code in (*range(32), *range(0x7F, 0xA0))} - {"\n", "\t"})


def test_the_current_step_is_shown_unchanged(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shown, step = Terminal(), Step("Deploy [red]x[/red] :smile:")

    shown.started(step)
    shown.updated(step, "[/x] :secret:")
    shown.finished(step, well=True)

    assert step.name in capsys.readouterr().out


def test_arguments_for_a_shell_are_quoted(monkeypatch, capsys):
    monkeypatch.setattr("blueprints.local.urls.urls", lambda *_: [])
    environment = {"PLAIN": "http://127.0.0.1:1", "ODD": "a b'c$HOME`id`[red]:smile:"}

    Terminal().show_up(cloud_with(lambda: environment), [])

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  export ")]
    assert dict(shlex.split(line)[1].split("=", 1) for line in lines) == environment


def test_a_stack_without_outputs_is_shown_with_its_number_of_resources(capsys, monkeypatch):
    monkeypatch.setattr("blueprints.local.urls.urls", lambda *_: [])
    stack = SimpleNamespace(name="quiet", outputs={}, resources=["Function", "Role"], not_emulated=[])

    Terminal().show_up(cloud_with(dict), [stack])

    assert "quiet\n  2 resources, no outputs\n" in capsys.readouterr().out
