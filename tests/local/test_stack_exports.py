"""An export belongs to one stack, and cannot change while another stack imports it."""

import json
import uuid

import pytest

from tests.local.waiting import until


@pytest.fixture
def names():
    return {each: f"{each}-{uuid.uuid4().hex[:8]}" for each in ("exporting", "importing", "other", "name")}


@pytest.fixture
def put(cloud):
    """Creates a stack, or updates it; returns its status and why it failed."""
    cloudformation = cloud.client("cloudformation")

    def putting(stack, body, update=False):
        act = cloudformation.update_stack if update else cloudformation.create_stack
        act(StackName=stack, TemplateBody=json.dumps(body))

        def settled():
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            return not status.endswith("_IN_PROGRESS") and status

        status = until(settled)
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return status, [each.get("ResourceStatusReason", "") for each in events]

    return putting


def exporting(name, value):
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    outputs = {"Out": {"Value": {"Fn::GetAtt": ["Parameter", "Value"]}, "Export": {"Name": name}}} if name else {}
    return {"Resources": {"Parameter": parameter}, **({"Outputs": outputs} if outputs else {})}


def importing(name):
    properties = {"Type": "String", "Value": {"Fn::ImportValue": name}}
    return {"Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}


def exported(cloud, name):
    exports = cloud.client("cloudformation").list_exports()["Exports"]
    return [each["Value"] for each in exports if each["Name"] == name]


@pytest.mark.parametrize(("keep", "happens"), [(True, "updated"), (False, "deleted")])
def test_an_export_in_use_stays_as_it_is(cloud, put, names, keep, happens):
    name = names["name"]
    put(names["exporting"], exporting(name, "one"))
    put(names["importing"], importing(name))

    status, reasons = put(names["exporting"], exporting(name if keep else None, "two"), update=True)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert any(f"cannot be {happens} as it is in use by {names['importing']}" in reason for reason in reasons)
    assert exported(cloud, name) == ["one"]


def test_an_export_goes_with_its_output_when_nothing_imports_it(cloud, put, names):
    put(names["exporting"], exporting(names["name"], "one"))

    assert put(names["exporting"], exporting(names["name"], "two"), update=True)[0] == "UPDATE_COMPLETE"
    assert exported(cloud, names["name"]) == ["two"]

    assert put(names["exporting"], exporting(None, "two"), update=True)[0] != "UPDATE_ROLLBACK_COMPLETE"
    assert exported(cloud, names["name"]) == []


def test_a_name_is_exported_by_one_stack(cloud, put, names):
    put(names["exporting"], exporting(names["name"], "one"))

    status, reasons = put(names["other"], exporting(names["name"], "two"))

    assert status == "ROLLBACK_COMPLETE"
    assert any(f"already exported by stack {names['exporting']}" in reason for reason in reasons)
    assert exported(cloud, names["name"]) == ["one"]
