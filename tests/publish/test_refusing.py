"""What is refused before anything is published: each error names the file and line, or the call."""

import dataclasses

import pytest

from tests.publish.folders import package, packages
from tests.publish.world import published

ABOUT = "AWS::ServerlessRepo::Application"

SCHEDULED_MACHINE = """Resources:
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: Rest, States: {Rest: {Type: Succeed}}}
      Events: {Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}}
"""


def refused(world, folder, line, *words, made=packages, **options):
    """The error of a run that sent nothing, at a line of the template."""
    before = world.state()
    outcome = published(world, folder.pattern, made, **options)
    assert outcome.error is not None
    place = f"template.yaml:{folder.line(line)}: " if line else ""
    assert place in outcome.error
    for word in words:
        assert word in outcome.error
    assert world.state() == before
    assert "PutObject" not in world.requests
    return outcome


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Author: somebody", "Author: Somebody", ["Author", "of the form"]),
        ("Description: Greets whoever asks", "Description: !Sub Greets ${AWS::AccountId}\n    # ", ["not plain text"]),
        ("Labels: [greeting, lambda]", "Labels: [greeting, !Ref Word]", ["Labels", "not plain text"]),
        ("Labels: [greeting, lambda]", f"Labels: [{', '.join(f'l{n}' for n in range(11))}]", ["11 Labels", "10"]),
        ("SemanticVersion: 0.1.0", "SemanticVersion: 0.1", ["SemanticVersion"]),
        ("ReadmeUrl: README.md", "ReadmeUrl: READ.md", ["READ.md", "not a file"]),
        ("Transform: AWS::Serverless-2016-10-31", "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]",
         ["Transform", "write"]),
        ("MemorySize: 128", "FunctionUrlConfig: {AuthType: NONE}", ["FunctionUrlConfig"]),
        ("MemorySize: 128", "Events: {Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}}",
         ["ScheduleV2", "Schedule"]),
        ("MemorySize: 128", "Policies: [AWSLambda_FullAccess]", ["AWSLambda_FullAccess", "blocked"]),
        ("MemorySize: 128", "Policies: ['arn:aws:iam::aws:policy/AWSLambda_FullAccess']", ["AWSLambda_FullAccess"]),
        ("MemorySize: 128", "Policies: [{Statement: [{Effect: Allow, Action: 'iam:*', Resource: '*'}]}]", ["iam:*"]),
        ("MemorySize: 128", "Policies: [{Statement: [{Effect: Allow, Action: [iam:PutRolePolicy], Resource: ['*']}]}]",
         ["iam:PutRolePolicy"]),
        ("MemorySize: 128", "Policies: [{Statement: [{Effect: Allow, NotAction: 's3:*', Resource: '*'}]}]",
         ["NotAction"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_preflight_finds_every_refusal_of_the_repository(world, folder, old, new, words):
    folder.change(old, new)

    refused(world, folder, new.splitlines()[0], *words)
    assert world.requests == []


def test_a_state_machine_may_not_have_a_schedule_of_the_scheduler(world, folder):
    folder.change("Resources:\n", SCHEDULED_MACHINE)

    refused(world, folder, "Events: {Tick", "Machine: the event type ScheduleV2 is refused; write 'Type: Schedule'")


def test_an_architecture_must_be_written_literally(world, folder):
    folder.change("Default: hello", "Default: arm64")
    folder.change("[arm64]", "[!Ref Word]")

    refused(world, folder, "Architectures", "Architectures", "literally: [arm64]")


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("AWS::Serverless::Function", "AWS::Serverless::Funktion", "did you mean AWS::Serverless::Function?"),
        ("MemorySize: 128", "MemorySise: 128", "MemorySize"),
        ("Value: !Ref Greet", "Value: !Ref Great", "Greet"),
        ("Outputs:\n", "  Store: {Type: AWS::S3::Buckt}\n\nOutputs:\n", "did you mean AWS::S3::Bucket?"),
    ],
    ids=["SAM's type", "property", "reference", "type"],
)
def test_a_template_that_cannot_be_deployed_is_refused(world, folder, old, new, advice):
    folder.change(old, new)

    refused(world, folder, new.splitlines()[0].strip(), advice)
    assert world.requests == []


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ("{Type: AWS::CloudWatch::CompositeAlarm, Properties: {AlarmRule: 'TRUE'}}", ["CompositeAlarm"]),
        ("{Type: 'Custom::Thing', Properties: {ServiceToken: x}}", ["Custom::Thing", "CustomResource"]),
        ("{Type: AWS::Serverless::Application, Properties: {Location: other.yaml}}", ["other.yaml", "ApplicationId"]),
        ("{Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer/}}", ["layer/", "local path"]),
    ],
    ids=["composite alarm", "custom resource", "nested by path", "unpackaged"],
)
def test_refused_resources_are_named_with_their_line(world, folder, resource, words):
    folder.change("Outputs:\n", f"  Other: {resource}\n\nOutputs:\n")

    refused(world, folder, "  Other:", *words)


def test_a_readme_of_6_mb_is_refused(world, folder):
    folder.write("README.md", "x" * 6 * 1024 * 1024)

    refused(world, folder, None, "README.md:1: ", "5 MB")


def test_a_template_of_500_kb_is_refused(world, folder):
    folder.change("Description: Lambda", f"Description: Lambda\nMappings: {{Long: {{A: {{B: {'x' * 500_000}}}}}}}")

    refused(world, folder, None, "template.yaml:1: ", "460,800")


def test_artifacts_over_100_mb_are_refused(world, folder):
    made = [dataclasses.replace(packages(folder.pattern)[0], size=104_857_601)]

    refused(world, folder, "  Greet:", "Greet", "104,857,600", made=lambda *_: made)


def test_only_the_embedded_repository_accepts_a_package_without_bytecode(world, folder):
    made = [package(folder.pattern, "Greet", b"no bytecode", interpreter=None)]

    refused(world, folder, "  Greet:", "without bytecode", made=lambda *_: made)
    assert published(world, folder.pattern, lambda *_: made, local=True).published


def test_a_public_application_needs_a_licence_that_the_osi_approved(world, folder):
    folder.change("SpdxLicenseId: MIT-0", "SpdxLicenseId: Proprietary")

    refused(world, folder, "SpdxLicenseId", "OSI", public=True)


def test_other_content_of_a_published_version_is_refused_with_the_version_to_write(world, folder):
    published(world, folder.pattern, packages)
    world.calm()
    folder.write("src/greet.py", "def handler(event, context):\n    return 'hi'\n")

    refused(
        world, folder, "SemanticVersion", "0.1.0 is published with other content", "SemanticVersion: 0.1.1", "patch"
    )


@pytest.mark.parametrize(
    ("old", "new", "version"),
    [
        ("Default: hello", "Default: hello\n  More: {Type: String, Default: ''}", "1.3.0"),
        ("Default: hello", "Description: without a default", "2.0.0"),
        ("  Word:", "  Words:", "2.0.0"),
        ("Outputs:\n  Greet:", "Outputs:\n  Greeter:", "2.0.0"),
        ("MemorySize: 128", "MemorySize: 256", "1.2.4"),
    ],
    ids=["new parameter", "lost default", "renamed parameter", "renamed output", "memory"],
)
def test_the_suggested_version_depends_on_the_changes(world, folder, old, new, version):
    folder.change("0.1.0", "1.2.3")
    published(world, folder.pattern, packages)
    world.calm()
    folder.change(old, new)

    refused(world, folder, "SemanticVersion", f"Write 'SemanticVersion: {version}'")


def test_a_version_lower_than_the_published_one_is_refused(world, folder):
    folder.change("0.1.0", "0.10.0")
    published(world, folder.pattern, packages)
    world.calm()
    folder.change("0.10.0", "0.9.0")

    refused(world, folder, "SemanticVersion", "lower than 0.10.0")
    folder.write("src/greet.py", "def handler(event, context):\n    return 'hi'\n")
    refused(world, folder, "SemanticVersion", "not higher than 0.10.0", "0.10.1")


@pytest.mark.parametrize("bumped", [False, True], ids=["same version", "new version"])
@pytest.mark.parametrize("what", ["id", "text"])
def test_a_changed_licence_is_refused(world, folder, what, bumped):
    published(world, folder.pattern, packages)
    world.calm()
    if bumped:
        folder.change("0.1.0", "0.2.0")
    if what == "id":
        folder.change("SpdxLicenseId: MIT-0", "SpdxLicenseId: Apache-2.0")
    else:
        folder.write("LICENSE", "All rights reserved.\n")

    refused(world, folder, "SpdxLicenseId" if what == "id" else "LicenseUrl", "licence of greeting changed")


def test_a_bucket_that_the_repository_cannot_read_is_named_with_the_call(world, folder):
    world.policy = {"Version": "2012-10-17", "Statement": []}

    outcome = published(world, folder.pattern, packages)

    assert "CreateApplication failed" in outcome.error
    assert "does not have read access to bucket 'artifacts'" in outcome.error
    assert "sar/artifact-bucket.yaml" in outcome.error
    assert world.state() == {}


def test_an_application_of_the_same_name_by_another_author_is_not_changed(world, folder):
    theirs = {"Name": "greeting", "Description": "Theirs", "Author": "somebody-else"}
    world.embedded.create_application("123456789012", theirs)

    refused(world, folder, "Name: greeting", "by another author, somebody-else", "another Name")


def test_an_application_of_the_same_name_in_another_account_does_not_matter(world, folder):
    theirs = {"Name": "greeting", "Description": "Theirs", "Author": "somebody-else"}
    world.embedded.create_application("999999999999", theirs)

    assert published(world, folder.pattern, packages).published


@pytest.mark.parametrize("words", ["public", "everybody", "accounts=1", "organization=mine"])
def test_an_invalid_sharing_option_is_refused(words):
    from blueprints.errors import BlueprintError
    from blueprints.publish.sharing import parse_sharing

    with pytest.raises(BlueprintError, match="--public"):
        parse_sharing(words, public=False)


def test_a_type_off_the_list_is_unconfirmed_and_says_how_to_find_out(world, folder):
    folder.change("Outputs:\n", "  Group: {Type: AWS::Scheduler::ScheduleGroup}\n\nOutputs:\n")

    outcome = published(world, folder.pattern, packages)

    assert outcome.published
    (finding,) = outcome.findings
    assert finding.verdict == "unconfirmed"
    assert f"template.yaml:{folder.line('  Group:')}" in finding.where
    assert "'blueprints try' finds out" in finding.message


def test_types_that_sam_generates_are_checked_separately(world, folder):
    """CodeDeploy is not on the list, but the repository is known to accept it if SAM generates it."""
    folder.change("MemorySize: 128", "AutoPublishAlias: live\n      DeploymentPreference: {Type: AllAtOnce}")

    assert published(world, folder.pattern, packages).findings == []


def test_a_note_says_that_the_default_search_does_not_show_the_application(world, folder):
    folder.change(
        "MemorySize: 128",
        "Policies: [{Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}]",
    )
    (finding,) = published(world, folder.pattern, packages).findings

    assert finding.verdict == "accepted"
    assert "CAPABILITY_IAM" in finding.message
    assert "default search" in finding.message


@pytest.mark.parametrize(
    ("old", "new"),
    [("Runtime: python3.12", "Runtime: python3.13"), ("MemorySize: 128", "LoggingConfig: {LogFormat: JSON}")],
)
def test_a_property_that_the_repository_may_not_accept_yet_is_unconfirmed(world, folder, old, new):
    folder.change(old, new)

    (finding,) = published(world, folder.pattern, packages).findings

    assert finding.verdict == "unconfirmed"
    assert finding.where.endswith(f"template.yaml:{folder.line(new.split(':')[0])}")
