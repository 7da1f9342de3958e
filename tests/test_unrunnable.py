"""Functions and layers that cannot run here are refused before anything is built or started, with a remedy."""

import zipfile

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import prepare
from blueprints.packaging.unrunnable import check_runnable
from blueprints.pattern import find
from blueprints.progress import Progress

SAM = "Transform: AWS::Serverless-2016-10-31\n"
FUNCTION = SAM + "Resources:\n  Fn:\n    Type: AWS::Serverless::Function\n"
LAYER = (
    "Resources:\n  L:\n    Type: AWS::Lambda::LayerVersion\n    Properties:\n      Content: { S3Bucket: b, S3Key: k }\n"
)
PYTHON = "      Handler: app.handler\n      Runtime: python3.11\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/app.py").write_text("def handler(event, context):\n    return 1\n")
    (tmp_path / "broken.zip").write_text("no zip file")
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return 1\n")
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        archive.writestr("src/app.py", "")

    def make(text):
        (tmp_path / "template.yaml").write_text(text)
        return find(tmp_path)

    return make


def function(properties, more=""):
    return f"{FUNCTION}    Properties:\n{properties}{more}"


@pytest.mark.parametrize(
    ("text", "line", "said", "remedy"),
    [
        (
            function("      PackageType: Image\n      ImageUri: x\n"),
            5,
            "container image",
            "copy the template without Fn",
        ),
        (
            function("      CodeUri: src/\n      Handler: a.b\n      Runtime: nodejs20.x\n"),
            8,
            "nodejs20.x",
            "without Fn",
        ),
        (
            function("      CodeUri: src/\n      Handler: app.handler\n      Runtime: python3.8\n"),
            8,
            "which Lambda no longer supports",
            "Runtime: python3.13",
        ),
        (
            function("      InlineCode: x\n      Handler: a.b\n      Runtime: nodejs20.x\n"),
            8,
            "nodejs20.x",
            "without Fn",
        ),
        (
            function(f"      CodeUri: s3://b/k.zip\n{PYTHON}"),
            6,
            "s3://b/k.zip, which can't be fetched",
            "folder or zip file",
        ),
        (function(f"      CodeUri: {{Bucket: b, Key: k}}\n{PYTHON}"), 6, "s3://b/k, which", "folder or zip file"),
        (function(f"      CodeUri: broken.zip\n{PYTHON}"), 6, "'broken.zip' is not a zip file", "Create it again"),
        (function(f"      CodeUri: nested.zip\n{PYTHON}"), 7, "no app.py at the top of nested.zip", "not the folder"),
        (
            function(f"      CodeUri: src/\n{PYTHON}", "    Metadata: { BuildMethod: makefile }\n"),
            9,
            "built by makefile",
            ".aws-sam/build/template.yaml",
        ),
        (
            LAYER,
            5,
            "its Content is s3://b/k",
            "folder or zip file",
        ),
    ],
)
def test_unsupported_templates_are_refused_with_a_remedy(folder, text, line, said, remedy):
    with pytest.raises(BlueprintError) as error:
        check_runnable(folder(text))

    assert said in error.value.what
    assert remedy in error.value.advice
    assert error.value.where.endswith(f"template.yaml:{line}")


@pytest.mark.parametrize("code", ["code.zip", "src/", "src/app.py"])
def test_code_may_be_a_zip_file_a_folder_or_one_file(folder, code):
    check_runnable(folder(function(f"      CodeUri: {code}\n{PYTHON}")))


def test_a_resource_with_a_condition_is_not_refused(folder):
    text = "Conditions: { Never: !Equals [a, b] }\n" + FUNCTION + (
        "    Condition: Never\n    Properties: { PackageType: Image, ImageUri: x }\n"
    )  # fmt: skip

    check_runnable(folder(text))


def test_a_mistake_in_a_nested_template_is_named_there(folder, tmp_path):
    (tmp_path / "inner.yaml").write_text("Resources:\n  Topic:\n    Type: AWS::SNS::Topik\n")
    pattern = folder(
        SAM + "Resources:\n  Inner:\n    Type: AWS::Serverless::Application\n    Properties: { Location: inner.yaml }\n"
    )

    with pytest.raises(BlueprintError, match=r"inner.yaml:3: Topic: there is no resource type AWS::SNS::Topik"):
        prepare(pattern, Progress())


def test_a_layer_of_another_build_method_is_refused_with_a_remedy(folder):
    pattern = folder(
        SAM + "Resources:\n  L:\n    Type: AWS::Serverless::LayerVersion\n"
        "    Metadata: { BuildMethod: nodejs20.x }\n    Properties: { ContentUri: src/ }\n"
    )

    with pytest.raises(BlueprintError, match=r"BuildMethod nodejs20\.x can't be built here") as error:
        prepare(pattern, Progress())
    assert "remove BuildMethod" in error.value.advice
