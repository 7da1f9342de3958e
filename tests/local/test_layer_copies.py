"""A layer of another account is refused before deployment; a local copy serves under its ARN."""

import io
import textwrap
import zipfile

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.deployment import check_functions
from blueprints.packaging.layers import layer_archive
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.template.layers import used_layers
from tests.local.resources import function_resource

ARN = "arn:aws:lambda:us-east-1:017000801446:layer:Words:18"
TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  WordsLayer: {Type: String, Default: "arn:aws:lambda:us-east-1:017000801446:layer:Words:18"}
Mappings:
  Layers: {us-east-1: {words: "arn:aws:lambda:us-east-1:017000801446:layer:Words:18"}}
Resources:
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: greet.handler
      Runtime: python3.13
      Layers:
        - LAYER
"""
HANDLER = """\
import subprocess
from words import WORD

def handler(event, context):
    return WORD, subprocess.run(["hello"], capture_output=True, text=True).stdout
"""
WRITTEN = {
    "text": ARN,
    "substitution": "!Sub arn:${AWS::Partition}:lambda:${AWS::Region}:017000801446:layer:Words:18",
    "substitution with values": (
        '!Sub ["arn:aws:lambda:${AWS::Region}:${Owner}:layer:Words:18", {Owner: "017000801446"}]'
    ),
    "parameter": "!Ref WordsLayer",
    "join": '!Join [":", [arn:aws:lambda, !Ref AWS::Region, "017000801446:layer:Words:18"]]',
    "mapping": "!FindInMap [Layers, !Ref AWS::Region, words]",
}


@pytest.fixture
def folder(tmp_path):
    """A pattern whose function needs a module and a program of the layer."""

    def write(layer=ARN):
        place = tmp_path / f"greet-{tmp_path.name[-12:].replace('_', '-').strip('-')}"
        (place / "src").mkdir(parents=True)
        (place / "template.yaml").write_text(TEMPLATE.replace("LAYER", layer))
        (place / "src/greet.py").write_text(HANDLER)
        return place

    return write


def put_layer(folder):
    (folder / "python").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "python/words.py").write_text("WORD = 'from the layer'\n")
    (folder / "bin/hello").write_text("#!/bin/sh\necho hello\n")
    (folder / "bin/hello").chmod(0o755)


def refused(folder, **parameters):
    with pytest.raises(BlueprintError) as error:
        prepare(Pattern.load(folder), Progress(), parameters)
    return error.value


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_the_layer_is_refused_by_name_before_anything_starts(folder, written):
    error = refused(folder(written))

    assert f"Greet uses the layer {ARN}, which is in another account" in error.what
    assert "blueprints.toml" in error.advice
    assert "Lambda" not in str(error).replace("Lambda:", "").replace("aws lambda", "")


def test_the_advice_of_the_refusal_works(cloud, folder):
    place = folder(WRITTEN["substitution"])
    advice = refused(place).advice
    lines = advice.splitlines()
    settings = lines[next(number for number, line in enumerate(lines) if line.strip() == "[layers]") :]
    put_layer(place / "layers/Words")
    (place / "blueprints.toml").write_text(textwrap.dedent("\n".join(settings)))

    pattern = Pattern.load(place)
    stack = bring_up(cloud, prepare(pattern, Progress()), Progress())

    name = stack.of_type("AWS::Lambda::Function")[0].physical_id
    assert cloud.invoke(name, {}).payload == ["from the layer", "hello\n"]
    (layer,) = cloud.client("lambda").get_function_configuration(FunctionName=name)["Layers"]
    assert layer["Arn"] == ARN
    assert layer["CodeSize"] > 0


@pytest.mark.parametrize("written", ["'{{resolve:ssm:/aws/service/words/latest}}'", "!Ref Held"])
def test_a_layer_that_a_public_parameter_names_is_refused_and_a_copy_serves(cloud, folder, written):
    place = folder(written)
    template = place / "template.yaml"
    held = "Parameters:\n  Held: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /aws/service/words/latest}"
    template.write_text(template.read_text().replace("Parameters:", held))

    error = refused(place)
    assert "Greet uses the layer of the public parameter /aws/service/words/latest" in error.what
    assert '"ssm:/aws/service/words/latest" = "layers/words-latest"' in error.advice
    put_layer(place / "layers/words-latest")
    (place / "blueprints.toml").write_text('[layers]\n"ssm:/aws/service/words/latest" = "layers/words-latest"\n')
    stack = bring_up(cloud, prepare(Pattern.load(place), Progress()), Progress())

    name = stack.of_type("AWS::Lambda::Function")[0].physical_id
    assert cloud.invoke(name, {}).payload == ["from the layer", "hello\n"]


def test_a_zip_file_serves_layers_of_every_region_and_version(cloud, folder):
    place = folder("arn:aws:lambda:eu-west-3:017000801446:layer:Words:19")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        info = zipfile.ZipInfo("bin/hello")
        info.external_attr = 0o100755 << 16
        file.writestr(info, "#!/bin/sh\necho zipped\n")
        file.writestr("python/words.py", "WORD = 'out of the zip'\n")
    (place / "words.zip").write_bytes(content.getvalue())
    (place / "blueprints.toml").write_text('[layers]\n"arn:aws:lambda:*:017000801446:layer:Words:*" = "words.zip"\n')

    stack = bring_up(cloud, prepare(Pattern.load(place), Progress()), Progress())

    name = stack.of_type("AWS::Lambda::Function")[0].physical_id
    assert cloud.invoke(name, {}).payload == ["out of the zip", "zipped\n"]


def test_another_layer_given_as_a_parameter_is_looked_at_instead(folder):
    place = folder("!Ref WordsLayer")

    error = refused(place, WordsLayer=ARN.replace("Words:18", "Other:1"))

    assert "layer:Other:1" in error.what
    prepare(Pattern.load(place), Progress(), {"WordsLayer": "arn:aws:lambda:us-east-1:000000000000:layer:Mine:1"})


def test_a_copy_that_is_not_there_is_named(folder):
    place = folder()
    (place / "blueprints.toml").write_text(f'[layers]\n"{ARN}" = "layers/Words"\n')

    assert refused(place).what.startswith("layers/Words, the copy of layer arn:")


def test_a_copy_that_is_no_archive_is_named(tmp_path):
    (tmp_path / "words.tar").write_text("no zip file")

    with pytest.raises(BlueprintError, match=r"words.tar: This is neither a folder nor a zip file"):
        layer_archive(tmp_path / "words.tar")


def test_creating_a_function_with_such_a_layer_is_refused(cloud, stack):
    arn = "arn:aws:lambda:us-east-1:111122223333:layer:unknown:1"

    with pytest.raises(BlueprintError, match="layer:unknown:1 is in another account"):
        stack(Function=function_resource("def handler(event, context): pass", Layers=[arn]))
    made = stack(Function=function_resource("def handler(event, context): pass"))
    with pytest.raises(ClientError, match=r"blueprints\.toml"):
        cloud.client("lambda").update_function_configuration(FunctionName=made.outputs["Function"], Layers=[arn])
    assert check_functions(cloud, made)


def test_a_list_of_layers_may_be_a_parameter():
    body = {
        "Parameters": {"All": {"Type": "CommaDelimitedList", "Default": f"{ARN}, {ARN[:-2]}19"}},
        "Resources": {
            "Greet": {"Type": "AWS::Lambda::Function", "Properties": {"Layers": {"Ref": "All"}}},
            "Own": {"Type": "AWS::Lambda::Function", "Properties": {"Layers": [{"Ref": "OwnLayer"}]}},
            "Other": {"Type": "AWS::SQS::Queue"},
        },
    }

    assert [each.arn[-2:] for each in used_layers(body, {}, {})] == ["18", "19"]
