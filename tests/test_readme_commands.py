"""The commands that the words of this project name are such as the AWS CLI and SAM take."""

import itertools
import re
import shlex
import sys
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from blueprints.cli import main
from blueprints.pattern import discover

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    {*(each.folder / "README.md" for each in discover()), *ROOT.glob("docs/*.md"), *ROOT.glob("sar/**/README.md")}
)
EVERYWHERE = {"--output", "--query", "--region", "--profile"}
WRITTEN_BY_HAND = {
    "s3 cp": {"--recursive", "--metadata-directive"},
    "s3 rm": {"--recursive"},
    "s3 sync": {"--delete"},
    "cloudformation deploy": {"--template-file", "--stack-name", "--capabilities", "--parameter-overrides"},
    "logs tail": {"--follow", "--since"},
    "sso login": set(),
}
MODELS = {"s3api": "s3"}
"""Commands whose names differ from those of botocore's services."""
OF_VERSION_2 = re.compile(r"\baws (logs tail|sso login)|--cli-binary-format|--no-cli-pager")
SAYS_VERSION_2 = re.compile(r"version 2 of the AWS CLI")
SAM = {
    "build": {"--use-container", "--cached"},
    "deploy": {"--guided", "--config-env", "--stack-name", "--parameter-overrides", "--resolve-s3"},
    "delete": {"--stack-name"},
    "package": set(),
    "publish": {"--template"},
}


def shell_lines(page):
    """The lines of a page's code blocks, continued ones joined, and what stands in the text as code."""
    fence = None
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.strip().startswith("```"):
            fence = line.strip()[3:] if fence is None else None
        elif fence in ("", "sh", "console"):
            yield line
        elif fence is None:
            yield from re.findall(r"`((?:aws|sam|blueprints) [^`]+)`", line)


def commands(page, program):
    """The words of each call of a program on a page, its name left out."""
    for line in shell_lines(page):
        for found in re.finditer(rf"(?:^|&&|\$\(|\$ )\s*{program} ([^#&)]*)", line):
            yield shlex.split(found[1])


def options(words):
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def aws_options(service, operation):
    """The options of a command of the AWS CLI."""
    by_hand = WRITTEN_BY_HAND.get(f"{service} {operation}")
    if by_hand is not None:
        return by_hand | EVERYWHERE
    model = botocore.session.get_session().get_service_model(MODELS.get(service, service))
    (name,) = [each for each in model.operation_names if xform_name(each, "-") == operation]
    shape = model.operation_model(name).input_shape
    known = {f"--{xform_name(each, '-')}": member for each, member in (shape.members if shape else {}).items()}
    switches = {each.replace("--", "--no-", 1) for each, member in known.items() if member.type_name == "boolean"}
    return {*known, *switches, *EVERYWHERE}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_aws_cli_takes_each_command(page):
    for service, operation, *rest in commands(page, "aws"):
        assert options(rest) <= aws_options(service, operation), f"aws {service} {operation}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sam_takes_each_command(page):
    for command, *rest in commands(page, "sam"):
        assert options(rest) <= SAM[command], f"sam {command}"


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: str(page.relative_to(ROOT)))
def test_blueprints_takes_each_command(page):
    for command, *rest in commands(page, "blueprints"):
        known = {name for each in main.commands[command].params for name in each.opts if name.startswith("--")}
        given = options([word.strip("[]") for word in rest])
        assert given <= {*known, "--help"}, f"blueprints {command}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_with_commands_of_version_2_says_so(page):
    """Version 1 of the AWS CLI is still what pip installs, and knows neither `logs tail` nor `--cli-binary-format`."""
    text = page.read_text()
    assert bool(SAYS_VERSION_2.search(text)) >= bool(OF_VERSION_2.search(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_bytes_are_given_as_both_versions_take_them(page):
    """Version 1 takes text for bytes, version 2 base64; of `fileb://` both take the file's bytes."""
    for service, operation, *rest in commands(page, "aws"):
        if f"{service} {operation}" not in WRITTEN_BY_HAND:
            given = dict(itertools.pairwise(rest))
            for option in {"--data", "--payload", "--secret-binary", "--zip-file"} & given.keys():
                assert given[option].startswith("fileb://")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_emptying_a_bucket_removes_all_versions(page, monkeypatch):
    from moto import mock_aws

    for command in {
        found for line in shell_lines(page) for found in re.findall(r'python -c "(import boto3.*?)"', line)
    }:
        with mock_aws():
            import boto3

            s3 = boto3.client("s3", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
            s3.create_bucket(Bucket="SOURCE_BUCKET")
            s3.put_bucket_versioning(Bucket="SOURCE_BUCKET", VersioningConfiguration={"Status": "Enabled"})
            for _ in range(2):
                s3.put_object(Bucket="SOURCE_BUCKET", Key="photo.jpg", Body=b"bytes")
            s3.delete_object(Bucket="SOURCE_BUCKET", Key="photo.jpg")
            monkeypatch.setattr(sys, "argv", ["-c", "SOURCE_BUCKET"])
            exec(command, {})
            s3.delete_bucket(Bucket="SOURCE_BUCKET")


def test_pages_are_read():
    found = [" ".join(words[:2]) for page in PAGES for words in commands(page, "aws")]
    assert {"kinesis put-record", "s3 rm", "logs tail", "cloudformation list-stack-resources"} <= set(found)
    assert len(found) > 15
