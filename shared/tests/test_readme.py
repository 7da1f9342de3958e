"""The README is the reference of the package: a module that it does not show is one that nobody finds."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import blueprints_shared

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE))
# Parts of what a section of another name shows.
PARTS = {
    "json_schema",
    "quick_botocore",
    "replay.command",
    "replay.dead_letters",
    "replay.invocation",
    "replay.stored_batches",
    "requirement",
    "streams.checkpoint",
    "streams.kinesis",
    "streams.kpl",
}


# Handlers of copied patterns import these names: removing or renaming one breaks them, so the CHANGELOG names it.
PUBLIC = {
    "clients": "client",
    "deployment_hooks": "CheckFailed TimeLeft answer check_event_source_mappings invoke",
    "http_post": "BODY_LIMIT Endpoint NoResponse Response",
    "images": "EXTENSIONS Encoding ImageFile InvalidImage encode open_image",
    "json_objects": "Check InvalidJson MAX_DEPTH UnsupportedSchema build_check",
    "observability": "Logger MetricUnit Metrics",
    "public_address": "is_public",
    "replay": "DeadLetters Failure Failures NotReplayed Stack StoredBatch StoredBatches function_name invoke main "
    "replay",
    "s3_events": "MalformedEvent ObjectChange is_newer parse",
    "settings": "SettingsError load parsed whole_number",
    "stack_command": "CommandFailed Stack arguments run",
    "streams": "BatchResponse KinesisRecord MalformedAggregate Progress handle_in_order sequence_number shard_id "
    "user_records",
    "streams.dynamodb_changes": "Change MalformedRecord parse",
    "streams.dynamodb_rows": "Image Row Unrepresentable key_text row_converter",
}


def test_the_public_names_are_these():
    found = {name: set(importlib.import_module(f"blueprints_shared.{name}").__all__) for name in SECTIONS}
    assert found == {name: set(names.split()) for name, names in PUBLIC.items()}


def names_in(section):
    """Every name and attribute in the section's code, which has to be Python."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL))
    nodes = list(ast.walk(ast.parse(code)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def test_every_module_has_a_section():
    found = pkgutil.walk_packages(blueprints_shared.__path__, "blueprints_shared.")
    names = {module.name.removeprefix("blueprints_shared.") for module in found} - PARTS
    assert set(SECTIONS) == {name for name in names if not name.startswith("images.")}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_sections_code_is_python_that_uses_what_the_module_offers(section):
    offered = set(importlib.import_module(f"blueprints_shared.{section}").__all__)
    assert names_in(section) & offered


def test_the_rows_are_those_that_the_readme_shows():
    """The converter's example is run, and its comment is what comes out."""
    from decimal import Decimal

    from blueprints_shared.streams.dynamodb_rows import key_text, row_converter

    code = re.search(r"```python\n(.*?)```", SECTIONS["streams.dynamodb_rows"], re.DOTALL)[1]
    example = re.search(r"^convert\(.*\)$", code, re.MULTILINE)[0]
    promised = re.search(r"# (\{.*\});", code)[1]
    names = {"convert": row_converter(), "Decimal": Decimal}
    assert eval(example, names) == eval(promised, names)
    assert eval(re.search(r"^key_text.*", code, re.MULTILINE)[0], {"key_text": key_text})
