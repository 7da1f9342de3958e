"""SAM folders of the user: names of templates, stack names, missing parameters."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints import cli
from blueprints.errors import BlueprintError
from blueprints.local.bring_up import check_stacks_differ, prepare
from blueprints.parameters import complete
from blueprints.pattern import Pattern, find
from blueprints.progress import Progress
from blueprints.stack_names import stack_name

TOPIC = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
ASKING = """\
Parameters:
  Email: { Type: String, Description: Where alarms go }
  Size: { Type: String, AllowedValues: [small, large] }
  Token: { Type: String, NoEcho: true }
  Stage: { Type: String, Default: dev }
""" + TOPIC  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of files by name."""

    def make(name="app", **files):
        place = tmp_path / name
        place.mkdir(parents=True)
        for file, text in files.items():
            (place / file.replace("__", ".")).write_text(text)
        return place

    return make


@pytest.mark.parametrize("name", ["template.yaml", "template.yml", "template.json"])
def test_a_template_is_found_by_each_of_sams_names(folder, name):
    text = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}, indent="\t")
    place = folder(**{name.replace(".", "__"): text if name.endswith("json") else TOPIC})

    found = find(place)

    assert (found.name, found.template) == ("app", place / name)


def test_a_template_can_be_given_by_its_path(folder):
    place = folder(network__yml=TOPIC, template__yaml=TOPIC)

    assert find(place / "template.yaml").name == "app"
    assert (find(place / "network.yml").name, find(place / "network.yml").template.name) == ("network", "network.yml")
    assert find(place / "network.yml").argument.endswith("network.yml")


def test_of_several_templates_sams_first_is_used_with_a_note(folder):
    progress = Progress()

    prepare(find(folder(template__yml=TOPIC, template__json="{}")), progress)

    assert progress.done[0].notes == ["uses template.yml, not template.json beside it"]


def test_the_error_names_a_template_of_another_name(folder):
    place = folder(serverless__yml=TOPIC, notes__yml="a: b\n")

    with pytest.raises(
        BlueprintError, match=r"no template.yaml in this folder, and no template.yml or template.json"
    ) as error:
        find(place)
    assert error.value.advice == f"Name the template itself: '{place}/serverless.yml'."
    assert find(place / "serverless.yml").name == "serverless"


def test_an_error_names_the_line_of_broken_json(folder):
    place = folder(template__json='{\n  "Resources": {,}\n}')

    with pytest.raises(BlueprintError, match="This is not valid JSON") as error:
        find(place)
    assert error.value.where.endswith("template.json:2")


@pytest.mark.parametrize(
    ("folder_name", "expected"),
    [
        ("images", "images"),
        ("my_app", "my-app"),
        ("My.App v2", "My-App-v2"),
        ("2024-app", "stack-2024-app"),
        ("größe", "groe"),
        ("-x-", "x"),
    ],
)
def test_a_folder_name_becomes_a_stack_name(folder_name, expected):
    assert stack_name(folder_name.replace("ß", "")) == expected


@given(st.text(min_size=1, max_size=300))
def test_every_folder_name_becomes_a_valid_stack_name(name):
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,99}", stack_name(name))


def test_long_names_give_different_stack_names():
    assert stack_name("x" * 200) != stack_name("x" * 201)


def test_two_folders_with_the_same_stack_name_are_refused(folder):
    patterns = [find(folder(name, template__yaml=TOPIC)) for name in ("my_app", "my-app")]

    with pytest.raises(BlueprintError, match="would both be deployed as the stack my-app"):
        check_stacks_differ(patterns)


def test_every_missing_parameter_is_listed_with_the_option_to_add(folder):
    pattern = find(folder(template__yaml=ASKING))

    with pytest.raises(BlueprintError, match="3 parameters without a value") as error:
        prepare(pattern, Progress())
    assert "Email: Where alarms go" in str(error.value)
    assert "Size (one of small, large)" in str(error.value)
    assert "--parameter Email=VALUE --parameter Size=VALUE --parameter Token=VALUE" in error.value.advice


@pytest.mark.parametrize(
    "written",
    [
        '"Email=a@b.example Size=small Token=\\"s 1\\" Stage=prod"',
        '["Email=a@b.example", "Size=small", "Token=\\"s 1\\"", "Stage=prod"]',
        (
            "'ParameterKey=Email,ParameterValue=a@b.example ParameterKey=Size,ParameterValue=small "
            'ParameterKey=Token,ParameterValue="s 1"\''
        ),
    ],
)
def test_parameters_without_a_default_are_read_from_samconfig(folder, written):
    config = f"version = 0.1\n[default.deploy.parameters]\nparameter_overrides = {written}\n"
    pattern = find(folder(template__yaml=ASKING, samconfig__toml=config))

    values, missing = complete(pattern, {"Size": "large"})

    assert (values, missing) == ({"Size": "large", "Email": "a@b.example", "Token": "s 1"}, [])


def test_missing_parameters_are_asked_for_in_a_terminal(folder, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    pattern = find(folder(template__yaml=ASKING))
    monkeypatch.setattr("sys.stdin", Terminal("a@b.example\nhuge\nlarge\n"))

    values = cli._values(pattern, ("Token=s",), quiet=False)

    assert values == {"Email": "a@b.example", "Size": "large", "Token": "s"}


def test_nothing_is_asked_for_with_json(folder):
    pattern = find(folder(template__yaml=ASKING))

    with pytest.raises(BlueprintError, match="a parameter without a value"):
        cli._values(pattern, ("Token=s", "Size=small"), quiet=True)


def test_a_missing_demo_is_reported_with_a_command_that_works(folder):
    from blueprints.demo import check_playable

    place = folder("my app", template__yaml=TOPIC)

    with pytest.raises(BlueprintError) as error:
        check_playable(Pattern.load(place), None, place / "out")
    assert f"blueprints up '{place}'" in error.value.advice
