"""Each of SAM's policy templates allows the calls that it is meant for; grants without effect allow nothing.

Every template is expanded as SAM does it and given to a role of its own by CloudFormation.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samtranslator.policy_template_processor.processor import PolicyTemplatesProcessor

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from tests.local.iam.playing import DENIALS
from tests.local.iam.sam_policy_templates import ERRORS, NOT_EMULATED, USES, WITHOUT_EFFECT, Call
from tests.local.iam.sam_resources import make_resources
from tests.local.iam.switched_clients import SwitchedClients, filled, role_resource

TEMPLATES = PolicyTemplatesProcessor._read_json(PolicyTemplatesProcessor.DEFAULT_POLICY_TEMPLATES_FILE)


@pytest.fixture(scope="module")
def own_cloud():
    """An embedded AWS of its own, whose resources need no unique names."""
    with Cloud(time_scale=3000) as running:
        yield running


@pytest.fixture(scope="module")
def names(own_cloud):
    """The resources, and a role for each template that has its name."""
    names = make_resources(own_cloud)
    processor = PolicyTemplatesProcessor(TEMPLATES)
    roles = {
        name.replace("_", ""): role_resource(name, processor.convert(name, filled(use.parameters, names)))
        for name, use in USES.items()
    }
    deploy(own_cloud, names["stack"], json.dumps({"Resources": roles}))
    return names


@pytest.fixture(scope="module")
def clients(own_cloud):
    return SwitchedClients(own_cloud)


def play(clients: SwitchedClients, call: Call, names: dict[str, Any]) -> str | None:
    """The code of the error that a call ends with, or None."""
    service, method, arguments = call
    try:
        getattr(clients.client(service), method)(**filled(arguments, names))
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


@pytest.mark.parametrize("template", USES)
def test_a_template_allows_the_calls_it_is_meant_for(names, clients, template):
    clients.assume(template)

    codes = [(call[1], play(clients, call, names)) for call in USES[template].calls]

    assert codes == [(method, ERRORS.get(method)) for method, _ in codes]


@pytest.mark.parametrize("template", WITHOUT_EFFECT)
def test_a_grant_without_effect_allows_nothing(names, clients, template):
    clients.assume(template)

    codes = [(call[1], play(clients, call, names)) for call in WITHOUT_EFFECT[template]]

    assert [method for method, code in codes if code is None or not DENIALS.fullmatch(code)] == []


def test_every_template_of_sam_is_here():
    assert {*USES, *NOT_EMULATED} == set(TEMPLATES["Templates"])
    assert not USES.keys() & NOT_EMULATED.keys()
