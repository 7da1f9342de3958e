"""A state machine's definition is published within the template, because the repository takes no file beside it."""

import json

import pytest

from blueprints.errors import BlueprintError
from blueprints.template.expansion import expand
from blueprints.template.inline_definitions import with_definitions_inline
from blueprints.template.reading import load

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Table: {{ Type: AWS::SNS::Topic }}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: {file}
      DefinitionSubstitutions: {{ Topic: !Ref Table }}
      Role: arn:aws:iam::1:role/r
"""
DEFINITION = {
    "QueryLanguage": "JSONata",
    "StartAt": "Only",
    "States": {"Only": {"Type": "Pass", "Output": {"to": "${Topic}", "sum": "{% 1 + 2 %}"}, "End": True}},
}


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a definition, and returns the template that names it."""

    def write(name, text):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "template.yaml").write_text(TEMPLATE.format(file=name))
        return load(tmp_path / "template.yaml")

    return write


@pytest.mark.parametrize("name", ["machine.asl.json", "machine.asl.yaml"])
def test_the_published_template_has_the_definition_and_its_substitutions(written, name):
    template = written(name, json.dumps(DEFINITION))
    published = with_definitions_inline(template)
    machine = expand(published)["Resources"]["Machine"]["Properties"]
    assert "DefinitionUri" not in published.resources["Machine"]["Properties"]
    assert "DefinitionUri" in template.resources["Machine"]["Properties"]
    assert json.loads("".join(machine["DefinitionString"]["Fn::Join"][1])) == DEFINITION
    assert machine["DefinitionSubstitutions"] == {"Topic": {"Ref": "Table"}}


@pytest.mark.parametrize(("text", "reason"), [(None, "No such file"), ("{", "Expecting"), ("\ufeff{]", "Expecting")])
def test_a_definition_that_cannot_be_read_is_named(written, text, reason):
    with pytest.raises(BlueprintError, match=f"The definition cannot be read: .*{reason}") as raised:
        with_definitions_inline(written("machine.asl.json", text))
    assert "machine.asl.json" in str(raised.value.where)
