"""samconfig files are read as by aws-sam-cli 1.170, whose results the tests expect."""

import json
import shutil
from pathlib import Path

import pytest

from blueprints import samconfig
from blueprints.pattern import Pattern
from blueprints.promises import CheckedPattern, findings, promises, rule_of

GOOD = Path(__file__).parent / "promises" / "good_pattern"
RULES = [each for each in promises() if rule_of(each).startswith("samconfig") or rule_of(each).endswith("is-complete")]


@pytest.mark.parametrize(
    ("written", "set_"),
    [
        ('A=1 B="two words"', {"A": "1", "B": "two words"}),
        (["A=1", "B=two"], {"A": "1", "B": "two"}),
        (["Token=s 1"], {"Token": "s"}),
        ({"A": 1, "B": "two words", "C": [1, "2", ""], "D": None, "E": True},
         {"A": "1", "B": "two words", "C": "1,2", "D": "", "E": "True"}),
        ('ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue="two words"', {"A": "1", "B": "two words"}),
        ("ParameterKey=A,ParameterValue=1 B=2", {"A": "1"}),
        ("A='x y' B=a\\ b C=\"q \\\"in\\\" q\"", {"A": "x y", "B": "a b", "C": 'q "in" q'}),
        (["A=1", {"B": 2}, ["C=3"]], {"A": "1", "B": "2", "C": "3"}),
        ("A= B=1", {"B": "1"}),
        ('A="" B=1', {"A": "", "B": "1"}),
        ("A=a=b,c", {"A": "a=b,c"}),
        ("  A=1   B=2", {"A": "1", "B": "2"}),
        ("A=it's B=2", {"A": "it's", "B": "2"}),
        ("Url=https://x/?a=b&c=d", {"Url": "https://x/?a=b&c=d"}),
        ("A_B=1 C=2", {"C": "2"}),
        ("", {}),
        ([], {}),
        (None, {}),
    ],
    ids=str,
)  # fmt: skip
def test_overrides_are_read_as_sam_reads_them(written, set_):
    content = {"default": {"deploy": {"parameters": {"parameter_overrides": written}}}}
    assert samconfig.SamConfig(Path("samconfig.toml"), content).overrides("default") == set_


@pytest.mark.parametrize("written", ["noequals", "A\tB", 5, ["A=1", "B"], "file://nowhere.yaml"], ids=str)
def test_settings_that_sam_refuses_are_refused(written):
    content = {"default": {"deploy": {"parameters": {"parameter_overrides": written}}}}
    with pytest.raises(samconfig.Unreadable, match="; write"):
        samconfig.SamConfig(Path("samconfig.toml"), content).overrides("default")


def test_overrides_may_be_in_files(tmp_path):
    (tmp_path / "all.yaml").write_text("$include: file://some.toml\nB: 2\n")
    (tmp_path / "some.toml").write_text('A = 1\nB = "1"\n')
    written = [f"file://{tmp_path}/all.yaml", "C=3"]
    content = {"dev": {"deploy": {"parameters": {"parameter_overrides": written}}}}
    assert samconfig.SamConfig(tmp_path / "samconfig.toml", content).overrides("dev") == {"A": "1", "B": "2", "C": "3"}


def test_files_that_include_each_other_are_refused(tmp_path):
    (tmp_path / "one.yaml").write_text("$include: file://two.yaml\n")
    (tmp_path / "two.yaml").write_text("$include: file://one.yaml\n")
    content = {"dev": {"deploy": {"parameters": {"parameter_overrides": f"file://{tmp_path}/one.yaml"}}}}
    with pytest.raises(samconfig.Unreadable, match="includes itself"):
        samconfig.SamConfig(tmp_path / "samconfig.toml", content).overrides("dev")


def test_a_commands_section_overrides_the_global_section():
    sections = {
        "global": {"parameters": {"stack_name": "all", "region": "eu-west-1", "parameter_overrides": "A=1"}},
        "deploy": {"parameters": {"stack_name": "own"}},
    }
    config = samconfig.SamConfig(Path("samconfig.toml"), {"version": 0.1, "dev": sections})
    assert config.parameters("dev") == {"stack_name": "own", "region": "eu-west-1", "parameter_overrides": "A=1"}
    assert config.parameters("prod") == {}
    assert config.environments == ["dev"]


@pytest.fixture
def folder(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "samconfig.toml")
    return shutil.copytree(GOOD, tmp_path / "good-pattern", ignore=ignored)


def found(folder):
    return {(each.rule, each.file.name, each.line) for each in findings(CheckedPattern(Pattern.load(folder)), RULES)}


def toml(section: str, overrides: str) -> str:
    """Three environments in one form; `NAME` stands for each."""
    return "version = 0.1\n" + "".join(
        f'[{name}.{section}.parameters]\nstack_name = "good-{name}"\ns3_prefix = "a"\n'
        f"{overrides.replace('NAME', name)}\n"
        for name in ("dev", "staging", "prod")
    )


FORMS = {
    "text": toml("deploy", 'parameter_overrides = "Environment=NAME Loudly=\\"true\\""'),
    "global section": toml("global", 'parameter_overrides = "Environment=NAME"'),
    "list": toml("deploy", 'parameter_overrides = ["Environment=NAME", "Loudly=true"]'),
    "inline table": toml("deploy", 'parameter_overrides = {Environment = "NAME", Loudly = true}'),
    "keys and values": toml(
        "deploy", "parameter_overrides = 'ParameterKey=Environment,ParameterValue=NAME'"
    ),
    "quoted": toml("deploy", "parameter_overrides = 'Environment=\"NAME\"'"),
    "name in quotes": toml("deploy", "parameter_overrides = '\"Environment\"=\"NAME\"'"),
    "several lines": toml("deploy", "parameter_overrides = [\n  'Environment=NAME',\n  'Loudly=true',\n]"),
    "stack in global": "version = 0.1\n" + "".join(
        f'[{name}.global.parameters]\nstack_name = "good-{name}"\n[{name}.deploy.parameters]\n'
        f'parameter_overrides = "Environment={name}"\n' for name in ("dev", "staging", "prod")
    ),
    "dotted keys": "version = 0.1\n" + "".join(
        f'{name}.deploy.parameters = {{ stack_name = "good-{name}", parameter_overrides = "Environment={name}" }}\n'
        for name in ("dev", "staging", "prod")
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_toml_keeps_the_promises(folder, form):
    (folder / "samconfig.toml").write_text(FORMS[form])
    assert found(folder) == set()


@pytest.mark.parametrize("name", ["samconfig.yaml", "samconfig.yml"])
@pytest.mark.parametrize("overrides", ["Environment=NAME Loudly=true", ["Environment=NAME"], {"Environment": "NAME"}])
def test_every_form_in_yaml_keeps_the_promises(folder, name, overrides):
    environments = {
        each: {
            "deploy": {
                "parameters": {
                    "stack_name": f"good-{each}",
                    "parameter_overrides": json.loads(json.dumps(overrides).replace("NAME", each)),
                }
            }
        }
        for each in ("dev", "staging", "prod")
    }
    (folder / name).write_text(json.dumps({"version": 0.1, **environments}, indent=2))
    assert found(folder) == set()


def test_toml_is_read_before_yaml(folder):
    (folder / "samconfig.yaml").write_text("version: 0.1\nqa: {deploy: {parameters: {parameter_overrides: No=1}}}\n")
    (folder / "samconfig.toml").write_text(FORMS["text"])
    assert found(folder) == set()


@pytest.mark.parametrize(
    ("file", "text", "finding"),
    [
        ("samconfig.toml", FORMS["list"].replace("Loudly", "Loud", 1),
         ("samconfig-sets-parameters-that-exist", "samconfig.toml", 2)),
        ("samconfig.toml", FORMS["global section"].replace("Environment=prod", "Environment=dev"),
         ("samconfig-has-every-environment", "samconfig.toml", 10)),
        ("samconfig.toml", FORMS["text"].replace('\\"true\\""', '" x'),
         ("samconfig-can-be-read", "samconfig.toml", 5)),
        ("samconfig.toml", FORMS["text"].replace("version = 0.1\n", ""),
         ("samconfig-can-be-read", "samconfig.toml", 1)),
        ("samconfig.yaml", "version: 0.1\ndev: {deploy: [\n", ("samconfig-can-be-read", "samconfig.yaml", 3)),
        ("samconfig.yaml", "version: 0.1\ndev: {deploy: {parameters: {parameter_overrides: Environment}}}\n",
         ("samconfig-can-be-read", "samconfig.yaml", 2)),
        ("samconfig.json", "{}", ("the-folder-is-complete", "samconfig.toml", 1)),
    ],
    ids=["unknown parameter", "wrong environment", "no TOML", "no version", "no YAML", "no pair", "JSON"],
)  # fmt: skip
def test_findings_name_the_line(folder, file, text, finding):
    (folder / file).write_text(text)
    assert finding in found(folder)
