"""Publishing, call by call: what is sent, in which order, and when nothing is."""

import json
from urllib.parse import urldefrag

import pytest

from tests.publish.folders import packages
from tests.publish.world import published

ARN = "arn:aws:serverlessrepo:us-east-1:123456789012:applications/greeting"


def calls(outcome):
    return [action.call for action in outcome.plan.actions]


def test_a_new_application_is_made_with_its_first_version(world, folder):
    outcome = published(world, folder.pattern, packages)

    assert outcome.error is None
    assert outcome.arn == ARN
    assert world.requests == ["ListApplications", "HeadObject", "PutObject", "CreateApplication"]
    kept = world.state()[ARN]
    assert list(kept["Versions"]) == ["0.1.0"]
    assert world.embedded.store.get(kept["Readme"]) == b"# Greeting\n"
    assert world.embedded.store.get(kept["License"]) == b"As it is.\n"


def test_a_published_template_names_its_content_and_nothing_of_this_machine(world, folder):
    published(world, folder.pattern, packages)

    version = world.state()[ARN]["Versions"]["0.1.0"]
    template = json.loads(world.embedded.store.get(version["Template"]))
    (package,) = packages(folder.pattern)
    digest = template["Metadata"]["ServerlessBlueprints"]["Digest"]
    assert template["Resources"]["Greet"]["Properties"]["CodeUri"] == f"s3://artifacts/{package.sha256}.zip"
    assert "AWS::ServerlessRepo::Application" not in template["Metadata"]
    assert urldefrag(version["SourceCodeUrl"]).fragment == f"sha256-{digest}"
    assert str(folder.path) not in json.dumps(template)


def test_the_second_time_nothing_is_sent_and_one_request_asks(world, folder):
    published(world, folder.pattern, packages)
    world.calm()

    outcome = published(world, folder.pattern, packages)

    assert calls(outcome) == []
    assert world.requests == ["ListApplications", "GetApplication"]
    assert len(world.downloads) == 1, "the readme, which no answer holds"


def test_a_plan_changes_nothing(world, folder):
    outcome = published(world, folder.pattern, packages, plan=True)

    assert calls(outcome) == ["CreateApplication"]
    assert outcome.pending
    assert world.state() == {}
    assert world.objects == {}


def test_a_version_comes_before_what_describes_it(world, folder):
    published(world, folder.pattern, packages)
    world.calm()
    folder.change("0.1.0", "0.2.0")
    folder.change("Greets whoever asks", "Greets politely")
    folder.write("src/greet.py", "def handler(event, context):\n    return 'good day'\n")
    folder.write("README.md", "# Greeting, politely\n")

    outcome = published(world, folder.pattern, packages, sharing="accounts=111111111111")

    assert world.requests == [
        "ListApplications",
        "GetApplication",
        "HeadObject",
        "GetApplicationPolicy",
        "PutObject",
        "CreateApplicationVersion",
        "UpdateApplication",
        "PutApplicationPolicy",
    ]
    update = outcome.plan.actions[1]
    assert [(each.field, each.after) for each in update.changes] == [
        ("Description", "Greets politely"),
        ("ReadmeBody", "# Greeting, politely\n"),
    ]


def test_a_readme_alone_needs_no_version(world, folder):
    published(world, folder.pattern, packages)
    folder.write("README.md", "# Greetings\n")

    outcome = published(world, folder.pattern, packages)

    assert calls(outcome) == ["UpdateApplication"]
    assert list(world.state()[ARN]["Versions"]) == ["0.1.0"]


def test_a_template_of_60_kb_is_sent_as_a_url(world, folder):
    folder.change("Description: Lambda", f"Description: Lambda\nMappings: {{Long: {{A: {{B: {'x' * 60_000}}}}}}}")

    outcome = published(world, folder.pattern, packages)

    assert outcome.error is None
    assert outcome.plan.actions[0].request["TemplateUrl"].endswith(".template")
    assert len(world.objects) == 2


def test_only_the_approved_plan_is_carried_out(world, folder):
    approved = published(world, folder.pattern, packages, plan=True).plan.digest
    folder.write("README.md", "# Something else\n")

    refused = published(world, folder.pattern, packages, approved=approved)
    assert "was approved" in refused.error
    assert world.state() == {}

    folder.write("README.md", "# Greeting\n")
    assert published(world, folder.pattern, packages, approved=approved).published


def test_content_is_shared_between_functions_and_uploaded_once(world, folder):
    folder.change(
        "Outputs:\n",
        "  Part:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: src/, "
        "Handler: greet.handler, Runtime: python3.13, Architectures: [arm64]}\n\nOutputs:\n",
    )

    published(world, folder.pattern, packages)

    assert world.requests.count("PutObject") == 1


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"sharing": "accounts=222222222222,111111111111"}, "accounts 111111111111, 222222222222"),
        ({"sharing": "organization=o-abcdefghij"}, "organization o-abcdefghij"),
        ({"public": True}, "public"),
    ],
    ids=str,
)
def test_sharing_is_declared_shown_and_kept(world, folder, declared, words):
    shown = published(world, folder.pattern, packages, plan=True, **declared)
    done = published(world, folder.pattern, packages, **declared)
    again = published(world, folder.pattern, packages, **declared)
    undeclared = published(world, folder.pattern, packages)
    private = published(world, folder.pattern, packages, sharing="private")

    assert [(each.before, each.after) for each in shown.plan.actions[1].changes] == [("private", words)]
    assert done.published
    assert calls(again) == calls(undeclared) == []
    assert [(each.before, each.after) for each in private.plan.actions[0].changes] == [(words, "private")]
    assert world.state()[ARN]["Statements"] == []
