"""Files that `sam package` uploads are uploaded, and the template names them in the form CloudFormation needs."""

import io
import json
import zipfile

import pytest

from blueprints.errors import BlueprintError
from blueprints.packaging.local_files import collect
from blueprints.pattern import find
from blueprints.template.artifacts import _ARTIFACTS

# Rows whose content is put together, not taken as it is, have tests of their own on the embedded AWS.
AS_THEY_ARE = [
    (kind, name, form) for kind, rows in _ARTIFACTS.items() for name, form, content in rows if content == "file"
]


def uploading(folder, resources):
    """The template for CloudFormation, and the uploaded content by bucket and key."""
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))
    stored = {}

    def upload(content, suffix):
        key = f"{len(stored)}{suffix}"
        stored["b", key] = content
        return "b", key

    return json.loads(collect(find(folder), [], lambda _: []).uploaded(upload)), stored


@pytest.mark.parametrize(("kind", "name", "form"), AS_THEY_ARE)
def test_a_file_is_uploaded_unchanged(tmp_path, kind, name, form):
    (tmp_path / "content.txt").write_text("as it is")
    outer, _, inner = name.partition(".")

    sent, stored = uploading(
        tmp_path,
        {"R": {"Type": kind, "Properties": {outer: {inner: "content.txt"} if inner else "content.txt"}}},
    )

    value = sent["Resources"]["R"]["Properties"][outer]
    value = value[inner] if inner else value
    place = (
        tuple(value.removeprefix("s3://").split("/")) if form == "s3" else tuple(value[each] for each in form.split())
    )
    assert stored[place] == b"as it is"


@pytest.mark.parametrize("kind", ["AWS::Lambda::LayerVersion", "AWS::Serverless::LayerVersion"])
def test_a_folder_is_zipped(tmp_path, kind):
    (tmp_path / "layer/python").mkdir(parents=True)
    (tmp_path / "layer/python/words.py").write_text("W = 1\n")
    name = "Content" if kind == "AWS::Lambda::LayerVersion" else "ContentUri"

    sent, stored = uploading(tmp_path, {"L": {"Type": kind, "Properties": {name: "layer"}}})

    place = tuple(sent["Resources"]["L"]["Properties"][name].values())
    assert zipfile.ZipFile(io.BytesIO(stored[place])).namelist() == ["python/words.py"]


def test_the_file_of_an_include_is_uploaded(tmp_path):
    (tmp_path / "part.yaml").write_text("TopicName: included\n")
    include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "part.yaml"}}}

    sent, stored = uploading(tmp_path, {"T": {"Type": "AWS::SNS::Topic", "Properties": include}})

    place = sent["Resources"]["T"]["Properties"]["Fn::Transform"]["Parameters"]["Location"]
    assert stored[tuple(place.removeprefix("s3://").split("/"))] == b"TopicName: included\n"


def test_templates_nested_in_nested_ones_are_uploaded_innermost_first(tmp_path):
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "inner.json"}}
    (tmp_path / "middle.json").write_text(json.dumps({"Resources": {"Inner": stack}}))
    (tmp_path / "inner.json").write_text(json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}))
    outer = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "middle.json"}}

    sent, stored = uploading(tmp_path, {"Middle": outer})

    def fetched(url):
        return json.loads(stored[tuple(url.removeprefix("https://s3.amazonaws.com/").split("/"))])

    middle = fetched(sent["Resources"]["Middle"]["Properties"]["TemplateURL"])
    inner = fetched(middle["Resources"]["Inner"]["Properties"]["TemplateURL"])
    assert inner["Resources"]["T"]["Type"] == "AWS::SNS::Topic"


def test_a_template_that_contains_itself_is_refused(tmp_path):
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "template.json"}}

    with pytest.raises(BlueprintError, match="would include itself"):
        uploading(tmp_path, {"Again": stack})
