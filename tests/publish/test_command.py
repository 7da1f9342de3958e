"""`blueprints publish`: exit statuses, output for people, JSON for programs."""

import json
import os

import pytest
from click.testing import CliRunner

from blueprints import pattern
from blueprints.cli import main
from blueprints.publish import report
from tests.publish.folders import Folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `blueprints publish` in an empty working folder, without any AWS settings."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda *arguments: CliRunner().invoke(main, ["publish", *(str(each) for each in arguments)])


def test_without_credentials_the_plan_and_what_is_missing_are_shown(run, folder):
    planned, asked = run(folder.path, "--plan"), run(folder.path)

    assert (planned.exit_code, asked.exit_code) == (2, 1)
    for ended in (planned, asked):
        assert "CreateApplication greeting 0.1.0" in ended.stdout
        assert "There are no AWS credentials" in ended.stderr
        assert "Traceback" not in ended.output


def test_approving_a_plan_needs_exactly_one_pattern(run):
    ended = run("--approve", "0" * 64, "--local")

    assert ended.exit_code == 2
    assert "of one PATTERN" in ended.stderr


def test_the_embedded_repository_keeps_applications_between_runs(run, folder, tmp_path):
    before = run(folder.path, "--local", "--plan")
    first = run(folder.path, "--local", "--json", "--sharing", "accounts=111111111111")
    second = run(folder.path, "--local", "--plan", "--json")

    assert before.exit_code == 2, before.output
    assert first.exit_code == 0, first.output
    assert second.exit_code == 0, second.output
    (made,), (kept,) = json.loads(first.stdout)["patterns"], json.loads(second.stdout)["patterns"]
    assert [each["call"] for each in made["plan"]["actions"]] == ["CreateApplication", "PutApplicationPolicy"]
    assert made["published"]
    assert kept["arn"] == made["arn"]
    assert kept["plan"]["actions"] == []
    assert (tmp_path / "work" / ".blueprints" / "sar" / "applications.json").is_file()


def test_one_pattern_that_cannot_be_published_makes_the_status_1(run, folder, tmp_path):
    bad = Folder(tmp_path / "bad")
    bad.change("Author: somebody", "Author: Somebody")

    ended = run(bad.path, folder.path, "--plan", "--json")

    assert ended.exit_code == 1
    refused, planned = json.loads(ended.stdout)["patterns"]
    assert refused["verdict"] == "refused"
    assert f"template.yaml:{bad.line('Author')}" in refused["error"]
    assert refused["findings"][0]["where"].endswith(f"template.yaml:{bad.line('Author')}")
    assert planned["plan"]["uploads"]


def test_only_the_flag_makes_an_application_public(run, folder):
    ended = run(folder.path, "--plan", "--sharing", "public")

    assert ended.exit_code == 1
    assert "--public" in ended.output
    assert "Sharing: private → public" in run(folder.path, "--plan", "--public").stdout


def test_list_shows_which_patterns_cannot_be_published(run, folder, monkeypatch):
    folder.change("Author: somebody", "Author: Somebody")
    (folder.path / "companions").mkdir()
    folder.write("companions/database.yaml", "Resources: {}\n")
    monkeypatch.setattr(
        pattern, "project_folder", lambda name: folder.path.parent if name == "patterns" else folder.path
    )

    shown = CliRunner().invoke(main, ["list"]).stdout
    (listed,) = json.loads(CliRunner().invoke(main, ["list", "--json"]).stdout)["patterns"]

    assert "cannot be published: 'blueprints publish --plan' says why; companions: database" in shown
    assert listed["repository"]["verdict"] == "refused"
    assert listed["repository"]["findings"][0]["where"].endswith(f"template.yaml:{folder.line('Author')}")


def test_the_link_leads_to_the_consoles_page_of_the_application():
    arn = "arn:aws:serverlessrepo:eu-west-1:123456789012:applications/greeting"

    link = "https://eu-west-1.console.aws.amazon.com/lambda/home?region=eu-west-1#/create/app?applicationId="
    assert report.deploy_link(arn) == link + arn
    assert report.deploy_link(arn.replace("123456789012", "000000000000")) is None, "the embedded AWS has no console"


def test_a_finding_of_several_patterns_is_shown_once_with_every_place(run, folder, tmp_path):
    other = Folder(tmp_path / "other")
    for each in (folder, other):
        each.change("Runtime: python3.12", "Runtime: python3.13")
    other.change("Name: greeting", "Name: other")

    ended = run(folder.path, other.path, "--plan")
    data = json.loads(run(folder.path, other.path, "--plan", "--json").stdout)

    said = [line for line in ended.stdout.splitlines() if "runtime python3.13" in line]
    assert len(said) == 1
    assert said[0].startswith("unconfirmed: the runtime python3.13")
    _, _, places = ended.stdout.partition(f"{said[0]}\n")
    line = folder.line("Runtime")
    assert [place.strip() for place in places.splitlines()[:2]] == [
        f"{each.path}/template.yaml:{line}" for each in (folder, other)
    ]
    assert [len([each for each in one["findings"] if "python3.13" in each["message"]]) for one in data["patterns"]] == [
        1,
        1,
    ]
