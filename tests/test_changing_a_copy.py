"""Ordinary changes by the owner of a copy: each works, or one line says what else to change."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.copying import copy
from blueprints.demo import play
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern, find
from blueprints.progress import Progress
from blueprints.promises import CheckedPattern, findings, promises, rule_of

IMAGES, STREAM, CHANGES, ORDERS, PUBLISHING = (
    "s3-image-processing",
    "kinesis-s3-stream",
    "dynamodb-stream-trigger",
    "stepfunctions-workflow",
    "auto-publish",
)
DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


class Owned:
    """A copy, and what its owner does with it."""

    def __init__(self, folder):
        self.folder = folder

    def change(self, file, old, new):
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r} any more"
        path.write_text(text.replace(old, new))

    def rename(self, old, new):
        (self.folder / old).rename(self.folder / new)

    def breaches(self, *, lint=False):
        """What `blueprints check` says; cfn-lint, which takes seconds, has its say where it is asked for."""
        asked = [each for each in promises() if lint or "cfn-lint" not in rule_of(each)]
        found = findings(CheckedPattern(Pattern.load(self.folder)), asked)
        return [f"{each.file.relative_to(self.folder).as_posix()}: {each.message}" for each in found]

    def own_tests(self, *arguments):
        """Run tests of the copy as its owner does; returns the status and what was printed."""
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments],
            cwd=self.folder,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        return ended.returncode, ended.stdout + ended.stderr

    def played(self, cloud, folder):
        """Deploy the copy, play its demo, and have its deployment hooks judge what is deployed."""
        pattern, progress = Pattern.load(self.folder), Progress(None)
        stack = bring_up(cloud, prepare(pattern, progress), progress)
        result = play(pattern, stack.outputs, cloud.client, None, folder, progress).result
        for function in stack.of_type("AWS::Lambda::Function"):
            if function.physical_id.startswith("CodeDeployHook_"):
                answer = cloud.invoke(function.physical_id, DEPLOYMENT).payload
                assert answer["status"] == "Succeeded", answer["reason"]
        return result


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """A copy of each pattern, to be copied and changed."""
    folder = tmp_path_factory.mktemp("copies")
    for name in (IMAGES, STREAM, CHANGES, ORDERS, PUBLISHING):
        copy(find(name), folder / name)
    return folder


@pytest.fixture
def own(copies, tmp_path):
    """A copy of a pattern, to be changed."""
    return lambda name: Owned(shutil.copytree(copies / name, tmp_path / f"my-{name}"))


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as cloud:
        yield cloud


def add_parameter(owned, function_of, default='""'):
    """A parameter, its row in the README, its environment variable and its value in the version's description."""
    owned.change("template.yaml", "\nParameters:\n", f"\nParameters:\n  Watermark:\n    Type: String\n    Default: {default}\n    Description: Words on every picture.\n")  # fmt: skip # noqa: E501
    owned.change("template.yaml", function_of, f"{function_of}\n          WATERMARK: !Ref Watermark")
    assert any("write '${Watermark}' into its VersionDescription" in each for each in owned.breaches())
    head, variable, rest = (owned.folder / "template.yaml").read_text().partition("WATERMARK:")
    described = re.sub(r"(VersionDescription: !Sub(?: \"|\n +- ))", r"\1${Watermark} ", rest, count=1)
    (owned.folder / "template.yaml").write_text(f"{head}{variable}{described}")
    if "blueprints tables" in (owned.folder / "README.md").read_text():
        assert any("run 'blueprints tables" in each for each in owned.breaches())
        ended = CliRunner().invoke(main, ["tables", str(owned.folder)])
        assert ended.exit_code == 0, ended.output
        return
    table = re.search(r"^\| ---.*\n", (owned.folder / "README.md").read_text().split("outputs\n", 1)[1], re.MULTILINE)[
        0
    ]
    columns = table.count("|") - 1
    readme = (owned.folder / "README.md").read_text()
    head, _, rest = readme.partition("outputs\n")
    row = "| `Watermark` " + "| words " * (columns - 1) + "|\n"
    (owned.folder / "README.md").write_text(f"{head}outputs\n{rest.replace(table, table + row, 1)}")


def crop_to_a_square(owned):
    owned.change(
        "src/image_renditions.py",
        "        made[spec.name] = Rendition(spec.name, image.width, image.height, encode(image, encoding))\n",
        "        side = min(image.width, image.height)\n"
        "        square = image.crop((image.width - side) // 2, (image.height - side) // 2, side, side)\n"
        "        made[spec.name] = Rendition(spec.name, square.width, square.height, encode(square, encoding))\n",
    )


class TestImages:
    def test_names_format_crop_and_an_optional_parameter_are_changed_together(self, own, cloud, tmp_path):
        mine = own(IMAGES)
        mine.change("template.yaml", "Default: thumbnail=200,medium=800,large=1600", "Default: icon=64,teaser=300")
        mine.change("template.yaml", "Default: webp", "Default: jpeg")
        crop_to_a_square(mine)
        add_parameter(mine, WITH_METADATA)
        mine.change(
            "src/render_image.py", "    keep_metadata: bool\n", "    keep_metadata: bool\n    watermark: str | None\n"
        )

        assert mine.breaches(lint=True) == []
        status, printed = mine.own_tests("tests/test_deployment_hooks.py", "-k", "works or missing")
        assert status == 0, printed
        renditions = mine.played(cloud, tmp_path / "renditions")["renditions"]
        assert [(each["name"], each["width"], each["height"]) for each in renditions] == [
            ("icon", renditions[0]["height"], renditions[0]["width"]),
            ("teaser", renditions[1]["height"], renditions[1]["width"]),
        ]
        assert [Path(each["file"]).read_bytes()[:3] for each in renditions] == [b"\xff\xd8\xff"] * 2

    def test_a_crop_fails_the_tests_of_sizes_alone(self, own):
        mine = own(IMAGES)
        crop_to_a_square(mine)
        _, printed = mine.own_tests("tests/test_image_renditions.py", "tests/test_parameters.py")
        failed = re.findall(r"^FAILED tests/(\S+?)::(\w+)", printed, re.MULTILINE)
        assert set(failed) == {("test_image_renditions.py", "TestSizes")}

    def test_a_required_setting_of_an_optional_parameter_is_one_line(self, own):
        """What `check` asks for of a parameter, taken literally, and a field without a thought of empty values."""
        mine = own(IMAGES)
        add_parameter(mine, WITH_METADATA)
        mine.change("src/render_image.py", LAST_SETTING, f"{LAST_SETTING}    watermark: str\n")
        (said,) = mine.breaches()
        assert said == (
            "src/render_image.py: RenderImage: setting watermark is empty when Watermark has its default, ''; "
            "write 'watermark: str | None', or another default."
        )

    def test_a_handlers_file_function_and_folder_are_renamed_in_the_template_alone(self, own, cloud, tmp_path):
        mine = own(IMAGES)
        mine.rename("src/render_image.py", "src/make_pictures.py")
        mine.change("src/make_pictures.py", "def handler(", "def on_change(")
        mine.change("template.yaml", "Handler: render_image.handler", "Handler: make_pictures.on_change")
        mine.rename("src", "code")
        mine.change("template.yaml", "CodeUri: src/", "CodeUri: code/")

        assert [each.split(",")[0] for each in mine.breaches()] == [
            "README.md: It names src/render_image.py",
            "tests/requirements.txt: It names ../src/requirements.txt",
        ]
        status, printed = mine.own_tests("tests/test_render_image.py", "tests/test_deployment_hooks.py", "-k", QUICK)
        assert status == 0, printed
        assert len(mine.played(cloud, tmp_path / "renditions")["renditions"]) == 3

    def test_a_module_that_others_import_is_one_line(self, own):
        mine = own(IMAGES)
        mine.rename("src/image_renditions.py", "src/make_renditions.py")
        (said,) = mine.breaches()
        assert said.startswith(
            "src/deployment_probe.py: Module image_renditions is not in the folder, nor in requirements "
        )
        assert "(imported by src/render_image.py, " in said
        assert "tests/test_image_renditions.py" in said

    def test_an_environment_variable_that_was_renamed_is_one_line(self, own):
        mine = own(IMAGES)
        mine.change("template.yaml", "          QUALITY: !Ref Quality", "          IMAGE_QUALITY: !Ref Quality")
        (said,) = mine.breaches()
        assert said == (
            "src/render_image.py: RenderImage: setting quality is read from QUALITY, which is not among its "
            "environment variables; did you mean IMAGE_QUALITY?"
        )

    def test_a_queue_or_bucket_that_was_renamed_is_one_line(self, own):
        mine = own(IMAGES)
        mine.change("template.yaml", "\n  DeadLetters:\n", "\n  Undelivered:\n")
        mine.change("template.yaml", "\n  Originals:\n", "\n  Photos:\n")
        said = mine.breaches()
        assert [re.search(r"there is no \w+ (\w+) .* did you mean ([^?]*)\?", each).groups() for each in said] == [
            ("Originals", "Photos or Undelivered"),
            ("DeadLetters", "Photos or Undelivered"),
        ]

    def test_a_flag_that_is_used_no_more_is_one_line(self, own):
        mine = own(IMAGES)
        mine.change("template.yaml", WITH_METADATA, '          KEEP_METADATA: "false"')
        (said,) = mine.breaches(lint=True)
        assert said == (
            "template.yaml: Feature flag KeepMetadata switches nothing: condition KeepsMetadata is not used; "
            "use it in a resource, or remove both. [cfn-lint W8001]"
        )

    def test_an_alarm_that_is_taken_out_is_one_line(self, own):
        mine = own(IMAGES)
        text = (mine.folder / "template.yaml").read_text()
        alarm = re.search(r"  RenderImageThrottles:\n(?:    .*\n)+", text)[0]
        mine.change("template.yaml", alarm, "")
        (said,) = mine.breaches()
        assert "there is no parameter or resource RenderImageThrottles" in said

        mine.change("template.yaml", "          - !Ref RenderImageThrottles\n", "")
        (said,) = mine.breaches()
        assert "Nothing watches the Throttles of RenderImage; write an alarm" in said

    def test_a_second_function_says_what_it_lacks(self, own):
        mine = own(IMAGES)
        function = "  Tell:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: tell.handler\n\n"
        mine.change("template.yaml", "\n  DeadLetters:\n", f"\n{function}  DeadLetters:\n")
        said = mine.breaches()
        assert "template.yaml: Tell: Handler 'tell.handler': there is no tell.py in src/; write it." in said
        (mine.folder / "src" / "tell.py").write_text("def handler(event, context):\n    return event\n")
        assert [each for each in mine.breaches() if "Handler" in each] == []


class TestStream:
    def test_a_transform_with_a_setting_of_its_own_leaves_out_what_it_likes(self, own, cloud, tmp_path):
        """The sample record is left out; the variable is the function's alone."""
        mine = own(STREAM)
        add_parameter(mine, "          EVENT_SCHEMA: !Ref EventSchema", default="page_viewed")
        mine.change(
            "src/transform.py",
            "from stream_record import StreamRecord\n",
            "import os\n\nfrom stream_record import StreamRecord\n\nLEFT_OUT = os.environ['WATERMARK'].encode()\n",
        )
        mine.change(
            "src/transform.py", "    return record\n", "    return None if b'sample' in record.data else record\n"
        )

        assert mine.breaches() == []
        status, printed = mine.own_tests("tests/test_deployment_hooks.py", "-k", "works")
        assert status == 0, printed
        assert mine.played(cloud, tmp_path / "stored")


class TestChanges:
    def test_handlers_of_other_names_and_a_new_setting_are_played(self, own, cloud, tmp_path):
        mine = own(CHANGES)
        for old, new in (("announce_changes", "tell_changes"), ("replicate_changes", "mirror_changes")):
            mine.rename(f"src/{old}.py", f"src/{new}.py")
            mine.change("template.yaml", f"Handler: {old}.handler", f"Handler: {new}.handler")
        add_parameter(mine, "          WEBHOOK_URL: !Ref WebhookUrl", default="mine")
        setting = "    failures_bucket: str\n"
        mine.change("src/tell_changes.py", setting, f"{setting}    watermark: str\n")

        assert [each.split(",")[0] for each in mine.breaches()] == []
        status, printed = mine.own_tests("tests/test_announce_changes.py", "-k", "in_order or missing or bus")
        assert status == 0, printed
        assert mine.played(cloud, tmp_path / "changes")

    def test_a_migration_of_ones_own_needs_no_change_of_the_tests(self, own):
        mine = own(CHANGES)
        described = (mine.folder / "replica.md").read_text()
        view = re.search(r"-- src/migrations/0002_orders.sql\n(.*?)```", described, re.DOTALL)[1]
        (mine.folder / "src" / "migrations" / "0002_orders.sql").write_text(view)
        assert mine.breaches() == []
        status, printed = mine.own_tests(
            "tests/test_replica.py", "tests/test_replicate_changes.py", "-k", "view or schema or environments"
        )
        assert status == 0, printed

    def test_a_module_that_a_command_imports_too_is_one_line(self, own):
        mine = own(CHANGES)
        mine.rename("src/replica.py", "src/mirror.py")
        (said,) = mine.breaches()
        assert "Module replica is not in the folder, nor in requirements (imported by " in said
        assert "reconcile.py" in said


class TestOrders:
    def test_a_carrier_of_ones_own_without_approvals_is_played(self, own, cloud, tmp_path):
        mine = own(ORDERS)
        mine.change("template.yaml", 'Default: "true"', 'Default: "false"')
        mine.change("src/carrier.py", "from sandbox import check\n", "from my_carrier import check\n")
        mine.change("src/sandbox.py", '"down"', '"on strike"')
        shutil.copy(mine.folder / "src" / "sandbox.py", mine.folder / "src" / "my_carrier.py")
        mine.change("demo.py", '"carrier": "down"', '"carrier": "on strike"')

        assert any("run 'blueprints tables" in each for each in mine.breaches())
        ended = CliRunner().invoke(main, ["tables", str(mine.folder)])
        assert ended.exit_code == 0, ended.output
        assert mine.breaches() == []
        result = mine.played(cloud, tmp_path / "played")
        ends = {order["order"]: order["status"] for order in result["orders"]}
        assert ends == {"small": "shipped", "payment-declined": "cancelled", "carrier-down": "cancelled"}


class TestPublishing:
    def test_messages_in_other_words_pass_the_deployment_hooks(self, own):
        mine = own(PUBLISHING)
        mine.change(
            "src/run_message.py", '_subject(f"{pipeline}: {title}")', '_subject(f"Released: {title} by {pipeline}")'
        )
        assert mine.breaches() == []
        status, printed = mine.own_tests("tests/test_deployment_hooks.py")
        assert status == 0, printed


WITH_METADATA = '          KEEP_METADATA: !If [KeepsMetadata, "true", "false"]'
LAST_SETTING = "    keep_metadata: bool\n"
QUICK = "works or cached or overwritten"
RENAMED = {
    IMAGES: "RenderImage",
    STREAM: "StoreBatch",
    CHANGES: "Announce",
    ORDERS: "Decide",
    PUBLISHING: "ReportRun",
}


@pytest.mark.parametrize(("pattern", "function"), RENAMED.items())
def test_a_function_that_was_renamed_everywhere_in_the_template_is_one_line_in_the_tests(own, pattern, function):
    mine = own(pattern)
    text = (mine.folder / "template.yaml").read_text()
    (mine.folder / "template.yaml").write_text(re.sub(rf"\b{function}(?!Function)(?=[A-Z]|\b)", f"My{function}", text))

    assert mine.breaches() == []
    status, printed = mine.own_tests()
    assert status != 0
    said = f"template.yaml has no function {function}: write its new name in the tests, or remove those that need it"
    assert printed.count(said) == 1, printed


@pytest.mark.parametrize(("pattern", "function"), RENAMED.items())
def test_a_function_that_was_renamed_where_it_is_declared_alone_is_one_breach(own, pattern, function):
    mine = own(pattern)
    mine.change("template.yaml", f"\n  {function}:\n", f"\n  My{function}:\n")
    (said,) = mine.breaches(lint=pattern == IMAGES)
    assert re.search(rf"there is no resource {function} \(lines .* name it too\); did you mean My{function}\?", said)
