"""A function may have any name, also one that begins with `url-`."""

import json

import pytest

from tests.local.resources import function_resource


@pytest.mark.parametrize("name", ["url-shortener", "urls", "url"])
def test_a_function_whose_name_begins_with_url_is_reached(cloud, stack, name):
    deployed = stack(Function=function_resource("def handler(event, context): return 'fine'", FunctionName=name))
    client, function = cloud.client("lambda"), deployed.outputs["Function"]

    assert client.list_aliases(FunctionName=function)["Aliases"] == []
    assert client.get_function_configuration(FunctionName=function)["FunctionName"] == name
    assert json.loads(client.invoke(FunctionName=function)["Payload"].read()) == "fine"
    made = client.create_function_url_config(FunctionName=function, AuthType="NONE")
    assert client.get_function_url_config(FunctionName=function)["FunctionUrl"] == made["FunctionUrl"]
    version = client.publish_version(FunctionName=function)["Version"]
    client.create_alias(FunctionName=function, Name="live", FunctionVersion=version)
    assert json.loads(client.invoke(FunctionName=function, Qualifier="live")["Payload"].read()) == "fine"
