"""The template of the web ACL deploys on the embedded AWS, which lists what it does not emulate of it."""

import json

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.pattern import find
from blueprints.template.reading import load

API = "arn:aws:appsync:us-east-1:000000000000:apis/abcdefghijklmnopqrstuvwxyz"


def test_the_web_acl_is_deployed_and_listed():
    template = load(find("appsync-mobile").folder / "companions" / "waf.yaml")
    with Cloud() as cloud:
        stack = deploy(cloud, "notes-waf", json.dumps(template.body), {"ApiArn": API})

    assert ":regional/webacl/" in stack.outputs["WebAclArn"]
    assert {each["resource"] for each in stack.not_emulated} == {"WebAcl", "Association", "Logging"}
