"""The tables of parameters and outputs in a README: written from the template, and found when they are outdated."""

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.pattern import Pattern, discover
from blueprints.promises import CheckedPattern
from blueprints.promises.speaks import readme_lists_every_parameter_and_output
from blueprints.readme_tables import marked, marks, table, written
from blueprints.template.reading import load

TEMPLATE = """
Parameters:
  Colour:
    Type: String
    Default: red
    AllowedValues: [red, green, blue]
    Description: >-
      The colour of `*.png` files,
      not _all_ or <b>, in A_B|C.
  Loudly: {Type: String, Default: "false", AllowedValues: ["true", "false"], Description: Whether to shout.}
  Topic: {Type: String, Default: "", Description: "An SNS topic."}
  Owner: {Type: String}
Resources: {}
Outputs:
  Door: {Value: door, Description: "Knock here: `a | b`"}
  Window: {Value: window}
"""
PARAMETERS = r"""| parameter | default | description |
| --- | --- | --- |
| `Colour` | `red` | The colour of `*.png` files, not \_all\_ or \<b>, in A_B\|C. One of `red`, `green` and `blue`. |
| `Loudly` | `false` | Whether to shout. |
| `Topic` | none | An SNS topic. |
| `Owner` | required |  |
"""
OUTPUTS = r"""| output | description |
| --- | --- |
| `Door` | Knock here: `a \| b` |
| `Window` |  |
"""
README = f"# x\n\n## Parameters and outputs\n\n{marks('parameters')}\n\nTake care.\n\n{marks('outputs')}\n\n## More\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "README.md").write_text(README)
    return tmp_path


def command(*arguments):
    ended = CliRunner().invoke(main, ["tables", *map(str, arguments)])
    assert "Traceback" not in ended.output
    return ended


def breaches(folder):
    found = readme_lists_every_parameter_and_output(CheckedPattern(Pattern.load(folder)))
    return [(each.line, each.message) for each in found]


def test_the_tables_have_names_defaults_and_descriptions(folder):
    template = load(folder / "template.yaml")
    assert table("parameters", template) == PARAMETERS
    assert table("outputs", template) == OUTPUTS


def test_the_command_writes_both_tables_and_nothing_else(folder):
    ended = command(folder)

    assert (ended.exit_code, ended.output) == (0, f"{folder / 'README.md'}: written\n")
    text = (folder / "README.md").read_text()
    assert {kind: found for kind, (_, found) in marked(text).items()} == {"parameters": PARAMETERS, "outputs": OUTPUTS}
    assert text.replace(PARAMETERS, "").replace(OUTPUTS, "") == README
    assert command(folder).output == f"{folder / 'README.md'}: unchanged\n"
    assert (folder / "README.md").read_text() == text


def test_a_parameter_that_comes_or_goes_changes_its_table_only(folder):
    command(folder)
    before = (folder / "README.md").read_text()
    (folder / "template.yaml").write_text(TEMPLATE.replace("  Owner: {Type: String}\n", ""))

    ((line, message),) = breaches(folder)
    assert line == before.splitlines().index("<!-- blueprints tables: parameters -->") + 1
    assert message == f"The table of parameters differs from the template; run 'blueprints tables {folder}'."
    command(folder)
    assert breaches(folder) == []
    assert (folder / "README.md").read_text() == before.replace("| `Owner` | required |  |\n", "")


def test_a_table_that_was_edited_by_hand_is_found(folder):
    command(folder)
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("Whether to shout.", "Whether to whisper."))

    assert [message for _, message in breaches(folder)] == [
        f"The table of parameters differs from the template; run 'blueprints tables {folder}'."
    ]


def test_a_table_without_comments_may_have_other_words_and_has_to_be_complete(folder):
    (folder / "README.md").write_text(
        "## Parameters and outputs\n"
        + "".join(f"| `{name}` | words |\n" for name in ("Colour", "Loudly", "Topic", "Door", "Window"))
    )
    assert breaches(folder) == [(1, "Owner is not listed; write a row '| `Owner` | … |'.")]
    assert written((folder / "README.md").read_text(), load(folder / "template.yaml")).startswith("## Parameters")


def test_a_readme_without_a_place_for_the_tables_is_named(folder):
    (folder / "README.md").write_text("# x\n")
    ended = command(folder)

    assert ended.exit_code == 1
    assert "README.md: The README does not mark where the tables go.\n" in ended.output
    assert marks("parameters") in ended.output
    assert (folder / "README.md").read_text() == "# x\n"


@pytest.mark.parametrize("pattern", discover(), ids=lambda each: each.name)
def test_the_tables_of_a_pattern_are_generated(pattern):
    """Every parameter and output has a description, which its table shows."""
    text = (pattern.folder / "README.md").read_text()
    template = load(pattern.template)

    assert set(marked(text)) == {"parameters", "outputs"}
    assert written(text, template) == text, f"run 'blueprints tables {pattern.name}'"
    for section in ("Parameters", "Outputs"):
        assert all(about.get("Description") for about in template.section(section).values())
