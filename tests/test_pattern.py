"""Patterns are found by folder and read from their templates."""

import subprocess
import sys

import pytest

from blueprints import pattern as patterns
from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern, discover, find

TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Description: |
  S3 → Lambda → S3
  More words.
Metadata:
  AWS::ServerlessRepo::Application:
    Name: images
    Description: Upload an image, get its renditions.
    SemanticVersion: 1.2.3
Parameters:
  Architecture: {Type: String, Default: arm64}
Globals:
  Function:
    Runtime: python3.13
    Architectures: [!Ref Architecture]
    CodeUri: src/
Resources:
  RenderImage:
    Type: AWS::Serverless::Function
    Properties:
      Handler: render_image.handler
  Hook:
    Type: AWS::Serverless::Function
    Properties:
      Handler: hook.handler
      CodeUri: hooks
      Runtime: python3.12
      Architectures: [x86_64]
  Inline:
    Type: AWS::Serverless::Function
    Properties: {InlineCode: 'x = 1', Handler: index.handler}
  Remote:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: 's3://bucket/key', Handler: index.handler}
  Bucket:
    Type: AWS::S3::Bucket
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "s3-images"
    (folder / "src").mkdir(parents=True)
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "src/requirements.txt").write_text("six==1.17.0\n")
    return folder


@pytest.fixture
def repository(tmp_path, folder, monkeypatch):
    home = tmp_path / "patterns"
    home.mkdir()
    folder.rename(home / folder.name)
    for name in ("kinesis-s3-stream", "rest-api"):
        (home / name).mkdir()
        (home / name / "template.yaml").write_text("Resources: {}\n")
    (home / "notes").mkdir()
    monkeypatch.setattr(patterns, "project_folder", lambda name: tmp_path / name)
    return home


def test_a_pattern_is_read_from_its_folder(folder):
    pattern = Pattern.load(folder)
    assert (pattern.name, pattern.version, pattern.flow) == ("s3-images", "1.2.3", "S3 → Lambda → S3")
    assert pattern.description == "Upload an image, get its renditions."
    assert pattern.template == folder / "template.yaml"


def test_functions_with_local_code_are_read_with_globals(folder):
    render, hook = Pattern.load(folder).functions
    assert render.logical_id == "RenderImage"
    assert render.code == folder / "src"
    assert (render.handler, render.runtime, render.python) == ("render_image.handler", "python3.13", "3.13")
    assert render.architecture == "arm64"
    assert render.requirements == folder / "src/requirements.txt"
    assert folder.joinpath("template.yaml").read_text().splitlines()[render.line - 1].strip() == "RenderImage:"
    assert (hook.runtime, hook.architecture, hook.requirements) == ("python3.12", "x86_64", None)


def test_the_default_architecture_is_x86_64(folder):
    text = TEMPLATE.replace("    Architectures: [!Ref Architecture]\n", "")
    (folder / "template.yaml").write_text(text)
    assert Pattern.load(folder).functions[0].architecture == "x86_64"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    Runtime: python3.13\n", "", "RenderImage has no Runtime"),
        ("      Handler: render_image.handler", "      Handlr: render_image.handler", "Is Handlr misspelt?"),
        (
            "      Handler: render_image.handler",
            "      Handler: !Ref Nothing",
            "The Handler of RenderImage is known only after the deployment",
        ),
        ("[!Ref Architecture]", "[mips]", "Architectures ['mips']"),
    ],
)
def test_a_value_that_is_not_known_is_an_error_with_its_line(folder, old, new, said):
    (folder / "template.yaml").write_text(TEMPLATE.replace(old, new))
    with pytest.raises(BlueprintError) as error:
        Pattern.load(folder)
    assert said in str(error.value)
    assert "template.yaml:" in error.value.where
    assert "Write" in error.value.advice


def test_patterns_are_discovered_by_folder(repository):
    assert [pattern.name for pattern in discover()] == ["kinesis-s3-stream", "rest-api", "s3-images"]


def test_a_pattern_that_belongs_to_publishing_is_discovered_too(repository):
    publisher = repository.parent / "sar" / "publisher"
    publisher.mkdir(parents=True)
    (publisher / "template.yaml").write_text("Resources: {}\n")
    (publisher.parent / "bucket.yaml").write_text("Resources: {}\n")

    assert [each.name for each in discover()] == ["kinesis-s3-stream", "publisher", "rest-api", "s3-images"]
    assert find("publisher").folder == publisher


def test_a_pattern_is_found_by_name_and_by_path(repository, monkeypatch):
    assert find("rest-api").folder == repository / "rest-api"
    assert find(repository / "s3-images").name == "s3-images"
    monkeypatch.chdir(repository / "s3-images")
    assert find(".").name == "s3-images"


def test_an_unknown_name_is_refused_with_the_patterns_and_the_nearest_name(repository):
    with pytest.raises(BlueprintError) as error:
        find("kinesis-s3-steam")
    assert "no pattern 'kinesis-s3-steam'" in str(error.value)
    assert "Did you mean kinesis-s3-stream?" in error.value.advice
    assert "rest-api" in error.value.advice


def test_a_folder_without_a_template_is_refused(repository):
    with pytest.raises(BlueprintError, match=r"no template\.yaml in this folder"):
        find(repository / "notes")


def test_listing_patterns_imports_no_linter_and_no_translator():
    code = (
        "import sys; from blueprints.pattern import discover; discover();"
        "print(sorted({'cfnlint', 'samtranslator', 'boto3', 'uv'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", ["./nowhere", "nowhere/", "some/where"])
def test_a_path_that_does_not_exist_is_not_taken_for_a_name(path):
    with pytest.raises(BlueprintError, match="There is no such file or folder"):
        find(path)


def test_a_copy_with_the_name_of_a_pattern_is_not_mistaken_for_it(tmp_path, monkeypatch):
    original = discover()[0]
    copied = tmp_path / original.name
    copied.mkdir()
    (copied / "template.yaml").write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BlueprintError, match="is a pattern of the project and a folder here") as error:
        find(original.name)
    assert f"./{original.name}" in error.value.advice
    assert find(f"./{original.name}").folder.samefile(copied)

    monkeypatch.chdir(original.folder.parent)
    assert find(original.name).folder.samefile(original.folder)
