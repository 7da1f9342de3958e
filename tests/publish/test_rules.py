"""The facts in sar_rules, compared with the SDK's model of the repository."""

import dataclasses

import pytest

from blueprints.local.services.serverlessrepo import model
from blueprints.publish import metadata
from blueprints.sar_rules import capabilities
from blueprints.sar_rules import limits as rules
from tests.publish.folders import packages
from tests.publish.world import published

EDGES = (
    "", "a", "A", "9", "-", "a-b", "a--b", "-a", "a-", "a_b", "a b", "a/b", "a:b@c+d", "é", "a\n", "name.",
    "x" * 127, "x" * 128, "x" * 140, "x" * 141, "x" * 256, "x" * 257,
)  # fmt: skip


@pytest.mark.parametrize("field", ["Name", "Author", "Description", "Labels"])
def test_the_forms_are_those_of_the_model(field):
    believed = rules.LABEL if field == "Labels" else rules.FORMS[field]

    assert [text for text in EDGES if believed.takes(text) != model.form(field).takes(text)] == []


def test_the_limits_are_those_of_the_model():
    assert model.most_labels() == rules.LABELS
    assert model.largest_text("ReadmeBody") == model.largest_text("LicenseBody") == rules.TEXT_BYTES
    assert set(rules.REQUIRED) == set(model.API.model.shape_for("CreateApplicationRequest").required_members)


def test_every_capability_of_the_model_is_known():
    assert model.types_that_require(capabilities.IAM) <= set(capabilities.IAM_NAMES)
    assert model.types_that_require(capabilities.RESOURCE_POLICY) <= set(capabilities.RESOURCE_POLICIES)
    named = (capabilities.IAM, capabilities.NAMED, capabilities.RESOURCE_POLICY, capabilities.EXPAND)
    assert set(named) == model.capabilities()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("Author: somebody", "Author: Somebody", "Author"),
        ("Name: greeting", "Name: my greeting", "Name"),
        ("Description: Greets whoever asks", f"Description: {'x' * 257}", "Description"),
    ],
)
def test_the_embedded_repository_refuses_what_a_wrong_fact_lets_through(world, folder, monkeypatch, old, new, field):
    """The embedded repository takes its rules from the model, not from sar_rules."""
    lenient = dataclasses.replace(rules.FORMS[field], pattern="(?s).*", longest=10_000)
    monkeypatch.setattr(metadata, "FORMS", {**rules.FORMS, field: lenient})
    folder.change(old, new)

    error = published(world, folder.pattern, packages).error

    assert error is not None
    assert f"CreateApplication failed: {field} must be 1 to" in error
    assert world.state() == {}
