"""Macros are refused by name before anything starts, with what to write instead."""

import pytest
from click.testing import CliRunner

from blueprints.cli import main

HEAD = 'AWSTemplateFormatVersion: "2010-09-09"\n'
SAM = "Transform: AWS::Serverless-2016-10-31\n"
EXTENDED = "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
FUNCTION = """\
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      Runtime: python3.13
"""
LOOP = """\
  Fn::ForEach::Fns:
    - Name
    - [A, B]
    - Fn${Name}:
        Type: AWS::Serverless::Function
        Properties: { CodeUri: src/, Handler: app.handler, Runtime: python3.13 }
"""
SIZES = "Mappings:\n  Sizes: { dev: { Memory: 256 } }\n"


def resources(transform: str, body: str, before: str = "") -> str:
    return f"{HEAD}{transform}{before}Resources:\n{body}"


def described(value: str) -> str:
    return f"{FUNCTION}      Description: {value}\n"


LANGUAGE = "AWS::LanguageExtensions"
CASES = {
    "loop": (resources(EXTENDED, LOOP), LANGUAGE, "Fn::ForEach::Fns", 4),
    "loop without its transform": (resources(SAM, LOOP), LANGUAGE, "Fn::ForEach::Fns", 4),
    "loop in properties": (
        resources(EXTENDED, described("a") + "      Tags:\n        Fn::ForEach::Tag: [Name, [A, B], {'${Name}': x}]\n"),
        LANGUAGE,
        "Fn::ForEach::Tag",
        12,
    ),
    "length": (resources(EXTENDED, described("!Length [a, b]")), LANGUAGE, "Fn::Length", 10),
    "json text": (resources(EXTENDED, described("!ToJsonString {a: b}")), LANGUAGE, "Fn::ToJsonString", 10),
    "default of a map": (
        resources(SAM, described("!FindInMap [Sizes, prod, Memory, DefaultValue: 128]"), SIZES),
        LANGUAGE,
        "DefaultValue",
        12,
    ),
    "transform alone": (resources(EXTENDED, FUNCTION), LANGUAGE, LANGUAGE, 2),
    "macro of an account": (resources("Transform: [Mine, AWS::Serverless-2016-10-31]\n", FUNCTION), "Mine", "Mine", 2),
    "macro in a place": (resources(SAM, described("!Transform {Name: Mine}")), "Mine", "Fn::Transform", 10),
    "include at the top": (
        resources(
            "Transform:\n  - AWS::Serverless-2016-10-31\n  - {Name: AWS::Include, Parameters: {Location: a.yaml}}\n",
            FUNCTION,
        ),
        "AWS::Include",
        "AWS::Include",
        2,
    ),
    "include between resources": (
        resources(SAM, FUNCTION + "  Fn::Transform: {Name: AWS::Include, Parameters: {Location: a.yaml}}\n"),
        "AWS::Include",
        "Fn::Transform in Resources",
        10,
    ),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context):\n    return 'fine'\n")
    text, macro, used, line = CASES[request.param]
    (tmp_path / "template.yaml").write_text(text)
    return tmp_path, macro, used, line


@pytest.mark.parametrize("command", ["build", "up", "check"])
def test_a_macro_is_refused_by_name(case, command, monkeypatch):
    folder, macro, used, line = case
    monkeypatch.setattr("blueprints.local.cloud.Cloud", lambda *_: pytest.fail("the embedded AWS was started"))
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(folder / "cache"))

    ended = CliRunner().invoke(main, [command, str(folder)])

    said = ended.output + (ended.stderr if ended.stderr_bytes else "")
    assert ended.exit_code == 1
    assert macro in said
    assert used in said
    assert f"template.yaml:{line}:" in said
    assert "neither the Serverless Application Repository nor this tool supports macros" in said
    assert "indentation" not in said


def test_the_remedy_works(tmp_path, monkeypatch):
    """The loop is written out, as the message says: then the template is taken."""
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context):\n    return 'fine'\n")
    written_out = FUNCTION.replace("Fn:", "FnA:") + FUNCTION.replace("Fn:", "FnB:")
    (tmp_path / "template.yaml").write_text(resources(SAM, written_out))
    ended = CliRunner().invoke(main, ["build", str(tmp_path), "--json"])
    assert ended.exit_code == 0
    assert '"FnA"' in ended.output
    assert '"FnB"' in ended.output
