"""The commands in the buildspecs of sar/auto-publish, run one by one in a clean folder.

bash runs them and not the embedded CodeBuild, so that both cannot have the same fault.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from blueprints.cli import main
from blueprints.destinations import of_cloud
from blueprints.local.cloud import Cloud
from blueprints.local.services.codebuild.buildspec import PHASES, read
from blueprints.pattern import find
from blueprints.template.reading import load

ROOT = Path(__file__).parents[1]
BLUEPRINTS = Path(sys.executable).with_name("blueprints")
BLUEPRINT = ROOT / "sar" / "auto-publish"
EXAMPLE = BLUEPRINT / "example" / "patterns" / "guest-book"
TEMPLATE = load(BLUEPRINT / "template.yaml")
PROJECTS = {
    name: TEMPLATE.properties(name)["Source"]["BuildSpec"] for name in TEMPLATE.of_type("AWS::CodeBuild::Project")
}
APPLICATION = "auto-publish-example"


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture
def repository(tmp_path):
    """A repository with one pattern, made by `blueprints new`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    run(BLUEPRINTS, "new", EXAMPLE, folder / "patterns" / "my-book", cwd=folder)
    commit(folder)
    return folder


class Pipeline:
    """Runs builds in clean folders, each with its own home and with nothing of this process's environment.

    Only the first build of this file begins with empty caches of uv and of the tools; the others find what it cached.
    """

    def __init__(self, cloud, repository, folder, caches):
        self.cloud, self.repository, self.folder, self.caches = cloud, repository, folder, caches
        self.bucket = of_cloud(cloud).bucket().name
        self.builds = 0

    def build(self, project, **variables):
        """Run a project's commands on a fresh clone; return the status, the output, and the exported variables."""
        self.builds += 1
        place = self.folder / f"{project}-{self.builds}"
        (place / "home").mkdir(parents=True)
        run("git", "clone", "--quiet", self.repository, place / "clone", cwd=place)
        spec = yaml.safe_load(PROJECTS[project])
        exported = spec["env"].get("exported-variables", [])
        commands = [each for phase in PHASES for each in spec["phases"].get(phase, {}).get("commands", [])]
        shown = [f'echo "exported {name} $(printf %s "${name}" | base64 --wrap 0)"' for name in exported]
        ended = subprocess.run(
            ["bash", "-e", "-c", "\n".join([*commands, *shown])],
            cwd=place / "clone",
            env={**self.environment(place), **variables},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        said = dict(re.findall(r"^exported (\w+) (\S*)$", ended.stdout, re.MULTILINE))
        return (
            ended.returncode,
            ended.stdout + ended.stderr,
            {name: base64.b64decode(value).decode() for name, value in said.items()},
        )

    def environment(self, place):
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(place / "home"),
            "XDG_CACHE_HOME": str(self.caches),
            "LANG": "C.UTF-8",
            **self.cloud.environment(),
            "NO_PROXY": "127.0.0.1",
            "PATTERNS": "patterns/*",
            "INSTALL_COMMAND": f"mkdir -p .venv/bin && ln -s {BLUEPRINTS} .venv/bin/blueprints",
            "TEST_COMMAND": 'test -z "$AWS_ACCESS_KEY_ID$AWS_SECRET_ACCESS_KEY" && "$AWS_EC2_METADATA_DISABLED"',
            "CHECK_PROMISES": "false",
            "SHARING": "",
            "ARTIFACT_BUCKET": self.bucket,
        }

    def published(self):
        """The versions of each published application, by name."""
        sar = self.cloud.client("serverlessrepo")
        return {
            each["Name"]: [
                version["SemanticVersion"]
                for version in sar.list_application_versions(ApplicationId=each["ApplicationId"])["Versions"]
            ]
            for each in sar.list_applications()["Applications"]
        }


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    return tmp_path_factory.mktemp("caches")


@pytest.fixture
def pipeline(cloud, repository, caches, tmp_path):
    cloud.reset()
    return Pipeline(cloud, repository, tmp_path / "builds", caches)


def run(*command, cwd):
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, check=True, text=True)


def commit(folder):
    by = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    run("git", *by, "add", "--all", cwd=folder)
    run("git", *by, "commit", "--quiet", "--message", "A change", cwd=folder)


def change(repository, old, new):
    path = repository / "patterns" / "my-book" / "template.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    commit(repository)


def test_a_push_is_verified_and_published_and_the_next_publishes_nothing(pipeline):
    """A plan with something to publish ends with status 2, which is not a failure."""
    status, printed, said = pipeline.build("Verify", CHECK_PROMISES="true")
    assert status == 0, printed
    assert said == {"PLANNED": f"{APPLICATION} 0.1.0"}
    assert pipeline.published() == {}

    status, printed, said = pipeline.build("Publish")
    assert status == 0, printed
    assert said == {"PUBLISHED": f"{APPLICATION} 0.1.0"}
    assert pipeline.published() == {APPLICATION: ["0.1.0"]}

    assert pipeline.build("Verify")[::2] == (0, {"PLANNED": "nothing new"})
    assert pipeline.build("Publish")[::2] == (0, {"PUBLISHED": "nothing new"})
    assert pipeline.published() == {APPLICATION: ["0.1.0"]}


@pytest.mark.skipif("try" not in main.commands, reason="this version of the tools cannot try a pattern yet")
def test_try_leaves_nothing_of_the_private_copy(pipeline):
    status, printed, _ = pipeline.build("Try")

    assert status == 0, printed
    assert "Read it" in printed
    assert pipeline.published() == {}
    stacks = pipeline.cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert [each["StackName"] for each in stacks if "twin" in each["StackName"]] == []


@pytest.mark.skipif("try" not in main.commands, reason="this version of the tools cannot try a pattern yet")
def test_a_failing_demo_fails_try_and_leaves_nothing(pipeline, repository):
    demo = repository / "patterns" / "my-book" / "demo.py"
    demo.write_text(demo.read_text().replace('if words != "was here"', 'if words == "was here"'))
    commit(repository)

    status, printed, _ = pipeline.build("Try")

    assert status != 0
    assert "says the book" in printed
    assert pipeline.published() == {}


def test_other_content_under_a_published_version_fails_verify(pipeline, repository):
    assert pipeline.build("Publish")[0] == 0
    change(repository, "Put a name here", "Put any name here")

    status, printed, said = pipeline.build("Verify")

    assert status != 0
    assert "0.1.1" in printed
    assert said == {}

    change(repository, "SemanticVersion: 0.1.0", "SemanticVersion: 0.1.1")
    assert pipeline.build("Verify")[::2] == (0, {"PLANNED": f"{APPLICATION} 0.1.1"})


def test_failing_tests_stop_the_build(pipeline):
    status, printed, said = pipeline.build("Verify", TEST_COMMAND="echo no good; false")

    assert status != 0
    assert "no good" in printed
    assert "plan" not in printed
    assert said == {}


def test_a_broken_promise_fails_verify_if_promises_are_checked(pipeline, repository):
    shutil.rmtree(repository / "patterns" / "my-book" / "events")
    commit(repository)

    status, printed, _ = pipeline.build("Verify", CHECK_PROMISES="true")
    assert status != 0
    assert "the-folder-is-complete" in printed

    assert pipeline.build("Verify")[::2] == (0, {"PLANNED": f"{APPLICATION} 0.1.0"})


def test_an_application_is_shared_as_the_parameter_says(pipeline):
    assert pipeline.build("Publish", SHARING="--sharing accounts=111122223333")[0] == 0

    sar = pipeline.cloud.client("serverlessrepo")
    (application,) = sar.list_applications()["Applications"]
    (statement,) = sar.get_application_policy(ApplicationId=application["ApplicationId"])["Statements"]
    assert statement["Principals"] == ["111122223333"]


def test_a_folder_with_the_name_of_an_option_is_a_folder(pipeline, repository):
    (repository / "patterns" / "my-book").rename(repository / "--public")
    commit(repository)

    status, printed, _ = pipeline.build("Publish", PATTERNS="*public")

    assert status == 0, printed
    (application,) = pipeline.cloud.client("serverlessrepo").list_applications()["Applications"]
    policy = pipeline.cloud.client("serverlessrepo").get_application_policy(ApplicationId=application["ApplicationId"])
    assert policy["Statements"] == []


def test_the_plan_of_many_patterns_fits_into_an_approval(tmp_path):
    tools = tmp_path / "blueprints"
    tools.write_text(
        '#!/bin/bash\nfor each in {1..100}; do echo "  CreateApplication pattern-$each 0.1.0"; done; exit 2\n'
    )
    tools.chmod(0o755)
    commands = yaml.safe_load(PROJECTS["Verify"])["phases"]["build"]["commands"]
    told = TEMPLATE.properties("Pipeline")["Stages"][3]["Fn::If"][1]["Actions"][0]["Configuration"]["CustomData"]

    ended = subprocess.run(
        ["bash", "-e", "-c", "\n".join([*commands, 'printf %s "$PLANNED" > planned.txt'])],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "ARTIFACT_BUCKET": "", "SHARING": "", "PATTERNS": ""},
        check=False,
        timeout=20,
    )

    assert ended.returncode == 0
    planned = (tmp_path / "planned.txt").read_text()
    assert planned.startswith("pattern-1 0.1.0,pattern-10 0.1.0,")
    assert 800 < len(told.replace("#{Verify.PLANNED}", planned)) <= 1000


@pytest.mark.parametrize("project", PROJECTS)
def test_the_embedded_codebuild_reads_every_buildspec(project):
    assert read(PROJECTS[project]).phases


def test_the_defaults_fit_this_repository():
    """The default commands exist, and the default folders are patterns."""
    defaults = {name: each.get("Default") for name, each in TEMPLATE.section("Parameters").items()}
    for name in ("InstallCommand", "TestCommand"):
        assert os.access(ROOT / defaults[name], os.X_OK)
    assert [find(folder).name for folder in sorted(ROOT.glob(defaults["Patterns"])) if folder.is_dir()]


def test_a_build_gets_exactly_the_variables_that_its_commands_use():
    own = {"PATH", "PWD", "status", "PLANNED", "PUBLISHED"}
    for name, spec in PROJECTS.items():
        commands = json.dumps(yaml.safe_load(spec)["phases"])
        used = set(re.findall(r"\$\{?([A-Za-z_]+)", commands)) - own
        passed = TEMPLATE.properties(name)["Environment"]["EnvironmentVariables"]
        assert used == {each["Name"] for each in passed}, name
