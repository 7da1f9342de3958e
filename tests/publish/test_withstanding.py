"""Publishing survives being killed, throttling, failures, other publishers, and expired credentials."""

import copy
import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.local.services.serverlessrepo.store import Store
from tests.publish.folders import Folder, packages
from tests.publish.world import Killed, World, failure, published, response

SHARING = "accounts=111111111111"
LONG = f"Description: Lambda\nMappings: {{Long: {{A: {{B: {'x' * 60_000}}}}}}}"
FRESH, UPGRADE = "a new application", "a new version"


class Story:
    """Worlds in which a folder is to be published, in which 6 to 8 requests do it."""

    def __init__(self, path, *, upgrade):
        self.folder = folder = Folder(path / "greeting")
        folder.change("Description: Lambda", LONG)
        self._path, self._before = path, World(path / "before")
        self._numbers = itertools.count()
        if upgrade:
            assert published(self._before, folder.pattern, packages).published
            folder.change("0.1.0", "0.2.0")
            folder.change("Greets whoever asks", "Greets politely")
            folder.write("src/greet.py", "def handler(event, context):\n    return 'good day'\n")
            folder.write("README.md", "# Politely\n")
        world = self.world()
        assert run(world, folder).published
        self.state, self.objects, self.requests = world.state(), world.objects, len(world.requests)
        """The state that every run must lead to, and the number of requests."""

    def world(self):
        """Make a world as it is before the folder is published."""
        place = self._path / f"world-{next(self._numbers)}"
        if (self._path / "before").is_dir():
            shutil.copytree(self._path / "before", place)
        world = World(place)
        world.objects = copy.copy(self._before.objects)
        return world


@pytest.fixture(scope="module", params=[FRESH, UPGRADE])
def story(request, tmp_path_factory):
    return Story(tmp_path_factory.mktemp("story"), upgrade=request.param == UPGRADE)


def run(world, folder):
    return published(world, folder.pattern, packages, sharing=SHARING)


def at(number, does):
    def hook(now, name):
        return does() if now == number else None

    return hook


def raising():
    raise Killed


def assert_same_end(world, story):
    assert world.state() == story.state
    assert world.objects == story.objects


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_request_and_run_again_the_result_is_the_same(story, moment):
    for number in range(story.requests):
        world = story.world()
        setattr(world, moment, at(number, raising))
        with pytest.raises(Killed):
            run(world, story.folder)
        world.calm()

        assert run(world, story.folder).error is None

        assert_same_end(world, story)


@pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequestsException"), (500, "InternalServerErrorException")])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_temporary_failure_of_any_request_does_not_matter(story, status, code, moment):
    """Also if the request was carried out and only its response was lost."""
    for number in range(story.requests):
        world = story.world()
        setattr(world, moment, at(number, lambda: failure(status, code)))

        assert run(world, story.folder).error is None

        assert_same_end(world, story)


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "TooManyRequestsException"), (500, "InternalServerErrorException"), (403, "ExpiredTokenException")],
)
def test_a_lasting_failure_names_the_call_and_the_next_run_continues(story, status, code):
    for number in range(story.requests):
        world = story.world()
        failed = []

        def hook(now, name, number=number, failed=failed):
            if now >= number:
                failed.append(name)
                return failure(status, code)
            return None

        world.before = hook
        outcome = run(world, story.folder)

        assert f"{failed[0]} failed" in outcome.error
        assert "Run it again" in outcome.error
        assert len(failed) <= 8
        world.calm()
        assert run(world, story.folder).error is None
        assert_same_end(world, story)


def test_two_publishers_at_once_have_the_result_of_one(story):
    for number in range(story.requests):
        world = story.world()
        other = []

        def hook(now, name, world=world, number=number, other=other):
            if now == number and not other:
                other.append(True)
                assert run(world, story.folder).error is None

        world.before = hook

        assert run(world, story.folder).error is None

        assert_same_end(world, story)


def test_a_publisher_with_other_content_of_the_same_version_is_refused(world, folder):
    """The error of the second publisher says which version to write."""
    done = []

    def hook(now, name):
        if name == "CreateApplication" and not done:
            done.append(True)
            assert published(world, folder.pattern, packages).published
            folder.write("src/greet.py", "def handler(event, context):\n    return 'hi'\n")

    pattern = folder.pattern
    mine = packages(pattern)
    folder.write("src/greet.py", "def handler(event, context):\n    return 'hey'\n")
    world.before = hook
    outcome = published(world, pattern, lambda *_: mine)

    assert "0.1.0 is published with other content" in outcome.error
    assert "SemanticVersion: 0.1.1" in outcome.error


DESCRIBED = b"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
<StackName>serverless-blueprints-artifacts</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
<CreationTime>2026-01-01T00:00:00Z</CreationTime>
<Outputs><member><OutputKey>ArtifactBucket</OutputKey><OutputValue>artifacts</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""
REFUSED = b"<ErrorResponse><Error><Code>%s</Code><Message>it was injected</Message></Error></ErrorResponse>"


@pytest.mark.parametrize(
    ("status", "code", "passing"), [(400, b"Throttling", True), (500, b"InternalFailure", True),
                                    (403, b"ExpiredToken", False)],
)  # fmt: skip
def test_looking_for_the_artifact_bucket_is_retried_after_temporary_failures_only(status, code, passing):
    import boto3

    from blueprints.errors import BlueprintError
    from blueprints.publish.bucket import artifact_bucket
    from blueprints.stacks.calls import RETRYING

    keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "x"}
    client = boto3.client("cloudformation", "us-east-1", config=RETRYING, **keys)
    answers = [response(status, REFUSED % code)] * 3 + [response(200, DESCRIBED)]
    client.meta.events.register("before-send", lambda **_: answers.pop(0))

    clients = {"cloudformation": client}
    if passing:
        assert artifact_bucket(clients.get).name == "artifacts"
        assert answers == []
    else:
        with pytest.raises(BlueprintError, match="DescribeStacks failed: it was injected"):
            artifact_bucket(clients.get)


def test_two_embedded_repositories_in_one_folder_lose_nothing(tmp_path):
    """Two `publish --local` run at once, each in its own process."""
    stores = [Store(tmp_path), Store(tmp_path)]

    def publish(number):
        with stores[number % 2].changing() as applications:
            applications[str(number)] = {"Number": number}

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(40)))

    assert len(Store(tmp_path).applications) == 40
    assert stores[0].applications == stores[1].applications


def test_an_artifact_that_changes_after_the_plan_is_not_uploaded(world, folder):
    (package,) = packages(folder.pattern)

    def hook(now, name):
        if name == "HeadObject":
            package.path.write_bytes(b"another")

    world.before = hook
    outcome = published(world, folder.pattern, lambda *_: [package])

    assert "has changed since the plan was made" in outcome.error
    assert world.state() == {}
    assert world.objects == {}


def test_one_pattern_that_fails_does_not_stop_the_others(world, folder, tmp_path):
    from blueprints.progress import Progress
    from blueprints.publish.publishing import Options, publish
    from blueprints.publish.report import status

    bad = Folder(tmp_path / "bad")
    bad.change("Author: somebody", "Author: Somebody")

    outcomes = publish([bad.pattern, folder.pattern], world.destination(packages), Options(apply=True), Progress())

    assert [bool(each.error) for each in outcomes] == [True, False]
    assert outcomes[1].published
    assert status(outcomes, planned_only=False) == 1
