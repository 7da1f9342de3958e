"""The pipeline of sar/auto-publish with different parameters, also with sources that the embedded AWS lacks."""

import json
import re
from pathlib import Path

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.template.reading import load

BLUEPRINT = Path(__file__).parents[1] / "sar" / "auto-publish"
TEMPLATE = load(BLUEPRINT / "template.yaml")
CONNECTION = "arn:aws:codeconnections:eu-west-1:123456789012:connection/2f0c6b5e-1d7c-4b5e-9a43-5f0d4c1b7e21"
TRIAL = "arn:aws:iam::123456789012:policy/trial"
BY_CONNECTION = {"ConnectionArn": CONNECTION, "Repository": "owner/patterns", "Branch": "release"}
BY_CODECOMMIT = {"Repository": "patterns", "Branch": "release"}


class Variant:
    """The template's resources with these parameters: conditions are evaluated, and NoValue is removed."""

    def __init__(self, **given):
        defaults = {name: each.get("Default") for name, each in TEMPLATE.section("Parameters").items()}
        self.parameters = {name: str(value) for name, value in {**defaults, **given}.items()}
        conditions = TEMPLATE.section("Conditions")
        self.resources = {
            name: self.decided(each.get("Properties", {}))
            for name, each in TEMPLATE.resources.items()
            if "Condition" not in each or self.holds(conditions[each["Condition"]])
        }

    def holds(self, condition):
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.holds(TEMPLATE.section("Conditions")[argument])
        if function == "Fn::Equals":
            left, right = (self.parameters[each["Ref"]] if isinstance(each, dict) else str(each) for each in argument)
            return left == right
        held = [self.holds(each) for each in argument]
        return {"Fn::Not": not held[0], "Fn::And": all(held), "Fn::Or": any(held)}[function]

    def decided(self, value):
        if isinstance(value, dict) and set(value) == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            chosen = then if self.holds(TEMPLATE.section("Conditions")[condition]) else otherwise
            return self.decided(chosen)
        if isinstance(value, dict):
            return {name: self.decided(each) for name, each in value.items() if self.is_there(each)}
        return [self.decided(each) for each in value if self.is_there(each)] if isinstance(value, list) else value

    def is_there(self, value):
        return self.decided_once(value) != {"Ref": "AWS::NoValue"}

    def decided_once(self, value):
        return self.decided(value) if isinstance(value, dict) and set(value) == {"Fn::If"} else value

    @property
    def stages(self):
        return {each["Name"]: each["Actions"][0] for each in self.resources["Pipeline"]["Stages"]}

    def actions_of(self, role):
        """The actions that a role allows, including those of managed policies in this template."""
        policies = [each["PolicyDocument"] for each in self.resources[role].get("Policies", [])]
        if role in ("VerifyRole", "TryRole", "PublishRole"):
            policies.append(self.resources["BuildPolicy"]["PolicyDocument"])
        statements = [statement for policy in policies for statement in policy["Statement"]]
        listed = [each["Action"] if isinstance(each["Action"], list) else [each["Action"]] for each in statements]
        return {action for actions in listed for action in actions}

    def variable(self, project, name):
        variables = self.resources[project]["Environment"]["EnvironmentVariables"]
        return next(each["Value"] for each in variables if each["Name"] == name)


def test_every_variant_has_the_resources_that_it_refers_to():
    """No condition leaves out a resource that is still referred to."""
    for given in ({}, BY_CONNECTION, BY_CODECOMMIT, {**BY_CONNECTION, "TrialPolicyArn": TRIAL, "Environment": "prod"}):
        variant = Variant(**given)
        text = json.dumps(variant.resources)
        named = set(re.findall(r'"Fn::GetAtt": \["(\w+)"|"Ref": "(\w+)"|\$\{(\w+)', text))
        flat = {name for each in named for name in each if name and name in TEMPLATE.resources}
        assert flat <= set(variant.resources), given


def test_a_connection_starts_the_pipeline_by_a_trigger():
    variant = Variant(**BY_CONNECTION)

    source = variant.stages["Source"]
    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"
    (trigger,) = variant.resources["Pipeline"]["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [{"Branches": {"Includes": [{"Ref": "Branch"}]}}]
    assert "codeconnections:UseConnection" in variant.actions_of("PipelineRole") & variant.actions_of("PublishRole")
    assert not {"StartOnChange", "StartRole", "SourceArchives", "StartsUndelivered"} & set(variant.resources)
    assert "SourceArchives" not in json.dumps(variant.resources["PipelineRole"])


def test_codecommit_starts_the_pipeline_by_a_rule():
    variant = Variant(**BY_CODECOMMIT)

    assert variant.stages["Source"]["ActionTypeId"]["Provider"] == "CodeCommit"
    assert variant.resources["StartOnChange"]["EventPattern"]["source"] == ["aws.codecommit"]
    assert "codecommit:UploadArchive" in variant.actions_of("PipelineRole")
    assert "codecommit:GitPull" in variant.actions_of("VerifyRole")
    assert "codeconnections:UseConnection" not in variant.actions_of("VerifyRole")
    assert "Triggers" not in variant.resources["Pipeline"]
    assert "SourceArchives" not in variant.resources


def test_there_is_no_stage_try_without_a_policy():
    assert list(Variant().stages) == ["Source", "Verify", "Publish"]
    assert not {"Try", "TryRole"} & set(Variant().resources)
    assert list(Variant(TrialPolicyArn=TRIAL).stages) == ["Source", "Verify", "Try", "Publish"]


@pytest.mark.parametrize("given", [{"Environment": "prod"}, {"RequireApproval": "true"}])
def test_a_person_approves_the_release(given):
    assert list(Variant(TrialPolicyArn=TRIAL, **given).stages) == ["Source", "Verify", "Try", "Approve", "Publish"]


@pytest.mark.parametrize(
    ("sharing", "option", "may_share"),
    [("", "", False), ("private", {"Fn::Sub": "--sharing ${Sharing}"}, True), ("public", "--public", True)],
)
def test_publish_may_share_only_if_sharing_is_set(sharing, option, may_share):
    variant = Variant(Sharing=sharing)

    assert variant.variable("Publish", "SHARING") == variant.variable("Verify", "SHARING") == option
    assert ("serverlessrepo:PutApplicationPolicy" in variant.actions_of("PublishRole")) is may_share


def test_only_the_last_stage_may_publish():
    variant = Variant(TrialPolicyArn=TRIAL)

    publishing = {"serverlessrepo:CreateApplication", "serverlessrepo:CreateApplicationVersion"}
    assert publishing <= variant.actions_of("PublishRole")
    for role in ("PipelineRole", "VerifyRole", "TryRole"):
        assert not publishing & variant.actions_of(role)
    assert "s3:PutObject" not in variant.actions_of("VerifyRole")


def test_try_cannot_write_packages_of_releases():
    """Publish trusts that an object has the digest in its key, so no other stage may write there."""
    variant = Variant(TrialPolicyArn=TRIAL)

    assert variant.variable("Publish", "ARTIFACT_BUCKET") == {"Ref": "ApplicationArtifacts"}
    assert variant.variable("Try", "ARTIFACT_BUCKET") == {"Ref": "TrialArtifacts"}
    assert "TrialArtifacts.Arn" in json.dumps(variant.resources["TryRole"])
    assert "ApplicationArtifacts" not in json.dumps(variant.resources["TryRole"])
    assert "TrialArtifacts" not in Variant().resources


@pytest.mark.parametrize(
    ("given", "provider"), [(BY_CONNECTION, "CodeStarSourceConnection"), (BY_CODECOMMIT, "CodeCommit")]
)
def test_the_embedded_aws_names_a_source_that_it_lacks(given, provider):
    progress = Progress()
    prepared = prepare(Pattern.load(BLUEPRINT), progress, given)
    with Cloud() as cloud, pytest.raises(BlueprintError, match=f"by {provider} is not emulated"):
        bring_up(cloud, prepared, progress)
