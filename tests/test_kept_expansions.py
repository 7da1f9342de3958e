"""A kept expansion is the one that SAM's translator makes, for exactly the same inputs, and damage costs time only."""

import json
import subprocess
import sys

import pytest

from blueprints.errors import BlueprintError
from blueprints.template import kept_expansions
from blueprints.template.expansion import expand
from blueprints.template.kept_expansions import kept_expansion
from blueprints.template.reading import load

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Memory: {Type: Number, Default: 128}
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: work.handler
      MemorySize: !Ref Memory
      InlineCode: "def handler(event, context): return 1"
"""


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty cache; a call returns its entries."""
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    return lambda: sorted((tmp_path / "cache" / "expansions").glob("*/*.json"))


@pytest.fixture
def template(tmp_path):
    """A template on disk, of the given text."""

    def write(text=TEMPLATE):
        path = tmp_path / "template.yaml"
        path.write_text(text)
        return load(path)

    return write


def counted(result):
    """A function that returns `result`, and the list of its calls."""
    calls = []

    def make():
        calls.append(1)
        return result

    return make, calls


def test_the_second_expansion_is_equal_and_comes_from_the_cache(kept, template, monkeypatch):
    first = expand(template())
    monkeypatch.setattr("blueprints.template.expansion._translate", lambda *_: pytest.fail("translated again"))

    assert expand(template()) == first
    assert list(expand(template())["Resources"]) == list(first["Resources"])
    assert len(kept()) == 1


@pytest.mark.parametrize(
    ("changed", "parameters"),
    [
        (TEMPLATE.replace("return 1", "return 2"), None),
        (TEMPLATE.replace("Default: 128", "Default: 256"), None),
        (TEMPLATE, {"Memory": "512"}),
    ],
)
def test_another_template_or_parameter_is_expanded_anew(kept, template, changed, parameters):
    expand(template())
    expand(template(changed), parameters)

    assert len(kept()) == 2


def test_the_order_of_a_template_counts(kept):
    make, calls = counted({"a": 1})

    kept_expansion([{"a": 1, "b": 2}], make)
    kept_expansion([{"b": 2, "a": 1}], make)

    assert len(calls) == 2


def test_another_version_of_the_translator_expands_anew(kept, monkeypatch):
    make, calls = counted({"a": 1})
    kept_expansion([1], make)

    monkeypatch.setattr(kept_expansions, "_versions", lambda: ("another",))
    kept_expansion([1], make)

    assert len(calls) == 2


@pytest.mark.parametrize("content", [b"", b'{"a":', b"[1]", b"\xff"])
def test_a_damaged_entry_is_replaced(kept, content):
    make, calls = counted({"a": 1})
    kept_expansion([1], make)
    (entry,) = kept()
    entry.write_bytes(content)

    assert kept_expansion([1], make) == {"a": 1}
    assert len(calls) == 2
    assert json.loads(entry.read_bytes()) == {"a": 1}


def test_a_refusal_is_explained_each_time(kept, template):
    broken = TEMPLATE.replace("Handler: work.handler", "CodeUri: [1]")

    for _ in range(2):
        with pytest.raises(BlueprintError, match="Work"):
            expand(template(broken))

    assert not kept()


@pytest.mark.parametrize("inputs", [[{1: "a"}], [{"a": (1, 2)}], [{"a": b"x"}]])
def test_inputs_that_json_would_change_are_not_kept(kept, inputs):
    make, calls = counted({"a": 1})

    for _ in range(2):
        assert kept_expansion(inputs, make) == {"a": 1}

    assert len(calls) == 2
    assert not kept()


def test_a_cache_that_cannot_be_written_to_is_done_without(kept, monkeypatch):
    def refuse(*_):
        raise OSError("full")

    monkeypatch.setattr(kept_expansions, "write", refuse)
    make, _ = counted({"a": 1})

    assert kept_expansion([1], make) == {"a": 1}


def test_a_kept_expansion_needs_no_import_of_the_translator(kept, template):
    expand(template())
    program = (
        "import sys\nfrom pathlib import Path\nfrom blueprints.template.expansion import expand\n"
        "from blueprints.template.reading import load\n"
        f"expand(load(Path({str(template().path)!r})))\n"
        "print([each for each in sys.modules if each.startswith('samtranslator')])"
    )

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert output.strip() == "[]"
