"""The calls that publishing makes, their order, and when it makes none."""

import json
from urllib.parse import urldefrag

import pytest

from blueprints.progress import Progress
from blueprints.publish.provenance import home_url, names_readme
from blueprints.publish.publishing import Options, publish
from tests.publish.folders import Folder, packages
from tests.publish.world import published

ARN = "arn:aws:serverlessrepo:us-east-1:123456789012:applications/greeting"


def calls(outcome):
    return [action.call for action in outcome.plan.actions]


def test_a_new_application_is_created_with_its_first_version(world, folder):
    outcome = published(world, folder.pattern, packages)

    assert outcome.error is None
    assert outcome.arn == ARN
    assert world.requests == ["ListApplications", "HeadObject", "PutObject", "CreateApplication"]
    kept = world.state()[ARN]
    assert list(kept["Versions"]) == ["0.1.0"]
    assert world.embedded.store.get(kept["Readme"]) == b"# Greeting\n"
    assert world.embedded.store.get(kept["License"]) == b"As it is.\n"


def test_a_published_template_has_its_digest_and_no_path_of_this_machine(world, folder):
    published(world, folder.pattern, packages)

    version = world.state()[ARN]["Versions"]["0.1.0"]
    template = json.loads(world.embedded.store.get(version["Template"]))
    (package,) = packages(folder.pattern)
    digest = template["Metadata"]["ServerlessBlueprints"]["Digest"]
    assert template["Resources"]["Greet"]["Properties"]["CodeUri"] == f"s3://artifacts/{package.sha256}.zip"
    assert "AWS::ServerlessRepo::Application" not in template["Metadata"]
    assert urldefrag(version["SourceCodeUrl"]).fragment == f"sha256-{digest}"
    assert str(folder.path) not in json.dumps(template)


def test_a_second_run_publishes_nothing_with_one_request_per_application(world, folder):
    published(world, folder.pattern, packages)
    world.calm()

    outcome = published(world, folder.pattern, packages)

    assert calls(outcome) == []
    assert world.requests == ["ListApplications", "GetApplication"]
    assert world.downloads == []


def test_of_many_patterns_only_the_changed_one_is_published(world, folder, tmp_path):
    """One request lists the applications, one is made for each, and only the changed one is uploaded and published."""
    patterns = [folder, *(Folder(tmp_path / f"greeting-{number}") for number in range(3))]
    for number, each in enumerate(patterns[1:]):
        each.change("Name: greeting", f"Name: greeting-{number}")
    publish([each.pattern for each in patterns], world.destination(packages), Options(apply=True), Progress())
    world.calm()
    patterns[2].change("0.1.0", "0.1.1")
    patterns[2].write("src/greet.py", "def handler(event, context):\n    return 'good day'\n")
    (changed,) = packages(patterns[2].pattern)
    before = set(world.objects)

    outcomes = publish(
        [each.pattern for each in patterns], world.destination(packages), Options(apply=True), Progress()
    )

    assert [len(each.plan.actions) for each in outcomes] == [0, 0, 1, 0]
    assert sorted(world.requests) == sorted(
        ["ListApplications", *["GetApplication"] * 4, "HeadObject", "PutObject", "CreateApplicationVersion"]
    )
    assert set(world.objects) - before == {f"{changed.sha256}.zip"}


def test_a_readme_that_its_home_page_does_not_name_is_downloaded_to_compare(world, folder):
    """Another tool may have published it, or the home page has a fragment of its own."""
    folder.change("https://example.com/home", "https://example.com/home#top")
    published(world, folder.pattern, packages)
    world.calm()

    assert calls(published(world, folder.pattern, packages)) == []
    assert len(world.downloads) == 1

    folder.write("README.md", "# Greetings\n")
    changed = published(world, folder.pattern, packages)
    assert [each.field for each in changed.plan.actions[0].changes] == ["ReadmeBody"]
    assert world.embedded.store.get(world.state()[ARN]["Readme"]) == b"# Greetings\n"


def test_the_home_pages_fragment_has_the_readmes_digest(world, folder):
    published(world, folder.pattern, packages)
    first = world.state()[ARN]["HomePageUrl"]
    folder.write("README.md", "# Greetings\n")
    changed = published(world, folder.pattern, packages)

    second = world.state()[ARN]["HomePageUrl"]
    assert names_readme(first, "# Greeting\n")
    assert names_readme(second, "# Greetings\n")
    assert first.split("#")[0] == second.split("#")[0] == "https://example.com/home"
    assert [each.field for each in changed.plan.actions[0].changes] == ["HomePageUrl", "ReadmeBody"]


def test_a_plan_changes_nothing(world, folder):
    outcome = published(world, folder.pattern, packages, plan=True)

    assert calls(outcome) == ["CreateApplication"]
    assert outcome.pending
    assert world.state() == {}
    assert world.objects == {}


def test_a_version_is_published_before_its_metadata_changes(world, folder):
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
        ("HomePageUrl", home_url("https://example.com/home", "# Greeting, politely\n")),
        ("ReadmeBody", "# Greeting, politely\n"),
    ]


def test_a_changed_readme_needs_no_version(world, folder):
    published(world, folder.pattern, packages)
    folder.write("README.md", "# Greetings\n")

    outcome = published(world, folder.pattern, packages)

    assert calls(outcome) == ["UpdateApplication"]
    assert list(world.state()[ARN]["Versions"]) == ["0.1.0"]


def test_a_template_of_60_kb_is_published_by_its_url(world, folder):
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


def test_a_package_of_two_functions_is_uploaded_once(world, folder):
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
def test_sharing_is_shown_in_the_plan_and_kept_without_the_option(world, folder, declared, words):
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
