"""A change of one file that another one has to follow is told before anything is run."""

import shutil
from pathlib import Path

import pytest

from blueprints.pattern import Pattern
from blueprints.promises import CheckedPattern, findings
from blueprints.promises.holds_together import (
    files_that_are_named_are_there,
    imported_modules_are_there,
    settings_have_their_environment_variables,
)

GOOD = Path(__file__).parent / "good_pattern"
SETTINGS = """
from dataclasses import dataclass

from blueprints_shared.settings import load

@dataclass
class Settings:
    {field}

settings = load(Settings)
"""


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(GOOD, tmp_path / "good-pattern", ignore=shutil.ignore_patterns("__pycache__"))


def found(folder, *promises):
    return findings(CheckedPattern(Pattern.load(folder)), promises)


def write(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def change(folder, old, new):
    text = (folder / "template.yaml").read_text()
    assert old in text
    (folder / "template.yaml").write_text(text.replace(old, new))


class TestImports:
    def test_a_module_that_was_renamed_is_one_breach_that_names_the_files_that_import_it(self, folder):
        write(folder, "src/greet.py", "from greeting import hello\n\ndef handler(event, context): ...\n")
        write(folder, "src/greetings.py", "hello = 'hello'\n")
        write(folder, "tests/test_greeting.py", "import json\n\nimport greeting\n")
        write(folder, "demo.py", "def run(stack):\n    import greeting\n")
        (folder / "tests" / "greeting.py").unlink()

        (finding,) = found(folder, imported_modules_are_there)

        assert (finding.file.name, finding.line) == ("demo.py", 2)
        assert finding.message == (
            "Module greeting is not in the folder, nor in requirements (imported by src/greet.py, "
            "tests/test_greeting.py too); did you mean greetings?"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "import json, os.path\nfrom collections import abc\n",
            "import boto3\nfrom botocore.config import Config\n",
            "from greet import handler\n",
            "import tools.words\nfrom tools import words\n",
            "from . import neighbour\nfrom .neighbour import name\n",
            "try:\n    import ujson as json\nexcept ImportError:\n    import json\n",
            "try:\n    import ujson\nexcept (ValueError, ModuleNotFoundError):\n    ujson = None\n",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mypy_boto3_s3 import S3Client\n",
            "import jwt\nimport dateutil\nimport bs4\nimport cv2\nimport google.protobuf\n",
            "def (:\n",
        ],
    )
    def test_what_is_there_or_brought_or_not_needed_is_no_breach(self, folder, text):
        packages = (
            "PyJWT==2.10.1\npython-dateutil==2.9.0\nbeautifulsoup4==4.14.0\nopencv-python==4.12\nprotobuf==6.33\n"
        )
        write(folder, "src/requirements.txt", packages + "google-api-core==2.28.1\n")
        write(folder, "src/tools/words.py", "")
        write(folder, "src/other.py", text)
        assert found(folder, imported_modules_are_there) == []

    @pytest.mark.parametrize(
        "place", [".venv/lib", ".aws-sam/build/Greet", "src/__pycache__", "vendor", "node_modules/x"]
    )
    def test_what_is_not_the_owners_is_not_looked_at(self, folder, place):
        write(folder, f"{place}/other.py", "import surely_nowhere\n")
        assert found(folder, imported_modules_are_there) == []

    def test_a_module_that_only_these_tools_have_is_missing_on_lambda(self, folder):
        write(folder, "src/greet.py", "import boto3\nimport click\n\ndef handler(event, context): ...\n")
        write(folder, "tests/test_greeting.py", "import click\n")

        (finding,) = found(folder, imported_modules_are_there)

        assert (finding.file.name, finding.line) == ("greet.py", 2)
        assert "Module click is not in the folder, nor in requirements" in finding.message

    def test_a_layer_may_bring_anything(self, folder):
        write(folder, "src/other.py", "import surely_nowhere\n")
        change(folder, "      Handler: greet.", "      Layers: [!Ref News]\n      Handler: greet.")
        assert found(folder, imported_modules_are_there) == []


class TestSettings:
    @pytest.mark.parametrize("field", ["loud: bool", "loud: str = parsed(read)", "loud: int = whole_number(1, 2)"])
    def test_a_variable_that_was_renamed_is_one_breach_with_the_name_that_is_there(self, folder, field):
        write(folder, "src/greet.py", SETTINGS.format(field=field))
        (finding,) = found(folder, settings_have_their_environment_variables)
        assert finding.line == SETTINGS[: SETTINGS.index("{field}")].count("\n") + 1
        assert finding.message == (
            "Greet: setting loud is read from LOUD, which is not among its environment variables; did you mean LOUDLY?"
        )

    @pytest.mark.parametrize(
        "field",
        [
            "loudly: bool",
            "loud: bool = False",
            "loud: bool | None",
            "loud: Optional[bool]",
            "loud: typing.Optional[bool]",
            "loud: str = parsed(read, default='')",
            "loud: list[str] = field(default_factory=list)",
            "aws_region: str",
        ],
    )
    def test_a_setting_that_is_there_or_optional_is_no_breach(self, folder, field):
        write(folder, "src/greet.py", SETTINGS.format(field=field))
        assert found(folder, settings_have_their_environment_variables) == []

    @pytest.mark.parametrize(
        ("field", "breaches"), [("topic: str", 1), ("topic: str | None", 0), ("topic: str = ''", 0)]
    )
    def test_a_setting_is_optional_where_its_parameter_is_empty_by_default(self, folder, field, breaches):
        write(folder, "src/greet.py", SETTINGS.format(field=field))
        change(folder, "          LOUDLY:", "          TOPIC: !Ref AlarmTopicArn\n          LOUDLY:")
        said = (
            "Greet: setting topic is empty when AlarmTopicArn has its default, ''; "
            "write 'topic: str | None', or another default."
        )
        messages = [each.message for each in found(folder, settings_have_their_environment_variables)]
        assert messages == [said] * breaches

    def test_a_function_that_is_there_only_when_the_parameter_is_given_may_need_it(self, folder):
        write(folder, "src/greet.py", SETTINGS.format(field="topic: str"))
        change(folder, "          LOUDLY:", "          TOPIC: !Ref AlarmTopicArn\n          LOUDLY:")
        change(folder, "      Handler: greet.", "      Handler: greet.")
        change(folder, "  Greet:\n    Type", "  Greet:\n    Condition: HasAlarmTopic\n    Type")
        assert found(folder, settings_have_their_environment_variables) == []

    def test_settings_are_followed_through_modules_and_bases(self, folder):
        write(folder, "src/greet.py", "from common import work\n\ndef handler(event, context): ...\n")
        write(folder, "src/base.py", "class Base:\n    loud: bool\n")
        text = SETTINGS.format(field="louder: bool").replace("class Settings:", "class Settings(Base):")
        write(folder, "src/common.py", "from base import Base\n" + text)

        several = found(folder, settings_have_their_environment_variables)

        assert [(each.file.name, each.message.split()[2]) for each in several] == [
            ("base.py", "loud"),
            ("common.py", "louder"),
        ]

    def test_one_setting_that_several_functions_lack_is_one_breach(self, folder):
        write(folder, "src/common.py", SETTINGS.format(field="topic: str"))
        for name in ("greet", "probe_greet"):
            write(folder, f"src/{name}.py", "from common import settings\n\ndef handler(event, context): ...\n")
        (finding,) = found(folder, settings_have_their_environment_variables)
        assert finding.message.startswith("Greet, ProbeGreet: setting topic is read from TOPIC")


class TestNamedFiles:
    @pytest.mark.parametrize("name", ["events/came.json", "src/greet.py", "tests/greeting.py"])
    def test_a_file_that_the_readme_names_and_that_has_another_name_now_is_found(self, folder, name):
        write(folder, "README.md", (folder / "README.md").read_text().replace("It greets.", f"Look at `{name}`."))
        assert found(folder, files_that_are_named_are_there) == []
        (folder / name).rename((folder / name).with_name("renamed" + Path(name).suffix))
        (finding,) = found(folder, files_that_are_named_are_there)
        assert finding.message.startswith(f"It names {name}, which does not exist; ")

    def test_links_elsewhere_are_not_looked_at(self, folder):
        links = "[a](https://example.com/x.md) [b](#deploy) [c](../other/x.md) [d](/x.md) ![e](mailto:x@example.com)"
        write(folder, "README.md", (folder / "README.md").read_text().replace("It greets.", links))
        assert found(folder, files_that_are_named_are_there) == []

    def test_an_event_that_tests_name_and_that_is_not_there_is_one_breach(self, folder):
        write(
            folder, "tests/test_one.py", "def test_it(sample):\n    assert sample('came')\n    assert sample('went')\n"
        )
        write(folder, "tests/test_two.py", "def test_it(sample):\n    assert sample('went') and sample(7)\n")
        (finding,) = found(folder, files_that_are_named_are_there)
        assert (finding.file.name, finding.line) == ("test_one.py", 3)
        assert finding.message.startswith("It names events/went.json, which does not exist; ")

    def test_requirements_of_a_code_folder_that_was_renamed_are_found(self, folder):
        write(folder, "tests/requirements.txt", "-r ../src/requirements.txt\npytest\n")
        assert found(folder, files_that_are_named_are_there) == []
        (folder / "src").rename(folder / "code")
        (finding,) = found(folder, files_that_are_named_are_there)
        assert (finding.file.name, finding.line) == ("requirements.txt", 1)
        assert "../src/requirements.txt, which does not exist" in finding.message
