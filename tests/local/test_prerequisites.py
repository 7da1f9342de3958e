"""A pattern's prerequisites are deployed first, and their outputs become the pattern's parameters."""

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.stacks.prerequisites import prerequisites
from tests import small_pattern

COMPANION = """
Resources:
  Words:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: good evening}
Outputs:
  Greeting: {Value: !GetAtt Words.Value}
  Unwanted: {Value: x}
"""


@pytest.fixture
def pattern(tmp_path):
    """A pattern with a companion called `words`."""
    folder = small_pattern.write(tmp_path / "greeting")
    (folder / "companions").mkdir()
    (folder / "companions" / "words.yaml").write_text(COMPANION)
    (folder / "demo.toml").write_text('companions = ["words"]\n')
    return Pattern.load(folder)


def greeting(cloud, stack):
    """What the deployed function was told to say."""
    (function,) = stack.of_type("AWS::Lambda::Function")
    settings = cloud.client("lambda").get_function_configuration(FunctionName=function.physical_id)
    return settings["Environment"]["Variables"]["GREETING"]


@pytest.mark.parametrize(("given", "said"), [({}, "good evening"), ({"Greeting": "hey"}, "hey")])
def test_a_companions_outputs_become_parameters_unless_these_are_given(cloud, pattern, given, said):
    progress = Progress()
    cloud.reset()

    stack = bring_up(cloud, prepare(pattern, progress, given), progress)

    assert greeting(cloud, stack) == said
    assert ("Deploy its words" in [step.name for step in progress.done]) == (not given)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ('companions = ["gone"]', "There is no companions/gone.yaml"),
        ('companions = ["../words"]', "There is no companions/../words.yaml"),
        ("companions = 3", "companions in demo.toml is not a list of names"),
        ('companion = ["words"]', "has a key companion"),
        ("companions = [", "can't be read"),
    ],
)
def test_mistakes_in_demo_toml_are_named(pattern, written, complaint):
    (pattern.folder / "demo.toml").write_text(written)

    with pytest.raises(BlueprintError, match=complaint.replace("[", r"\[")) as refused:
        prerequisites(pattern)

    assert "demo.toml" in str(refused.value)
