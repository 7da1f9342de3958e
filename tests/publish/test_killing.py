"""The `blueprints publish` process killed after each single one of its requests, and run again: the end is the same."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import urllib.request

import pytest

from blueprints.local.cloud import ACCOUNT, Cloud
from tests.publish.killing_proxy import KillingProxy
from tests.publish.world import ACCOUNT as WORLDS_ACCOUNT
from tests.publish.world import POLICY

LONG = f"Description: Lambda\nMappings: {{Long: {{A: {{B: {'x' * 60_000}}}}}}}"
BUCKET = "artifacts"
OPTIONS = ("--sharing", "accounts=111111111111", "--bucket", BUCKET)
# The command line, loaded once by planning; then a process of its own for every line that names its arguments.
PUBLISHERS = """
    import json, os, sys
    from blueprints.cli import main
    said = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        main(["publish", sys.argv[1], "--plan", "--bucket", "artifacts"])
    except SystemExit as planned:
        assert planned.code == 2, planned.code
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            if sys.stdin.readline().strip():
                main(json.loads(line))
            os._exit(98)
        os.write(said, b"%d\\n" % process)
        os.write(said, b"%d\\n" % os.waitpid(process, 0)[1])
"""


class Publishers:
    """Starts `blueprints publish` processes, each killed after a request or not at all."""

    def __init__(self, cloud, proxy, folder):
        self._proxy = proxy
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {**cloud.environment(), "AWS_ENDPOINT_URL": proxy.endpoint, "AWS_CONFIG_FILE": os.devnull}
        self._python = subprocess.Popen(
            [sys.executable, "-u", "-c", textwrap.dedent(PUBLISHERS), folder.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=folder.path.parent, text=True,
        )  # fmt: skip

    def run(self, folder, request=None):
        """Publish; returns the exit status, negative for the signal that ended it."""
        arguments = ["publish", str(folder.path), *OPTIONS]
        self._python.stdin.write(json.dumps(arguments) + "\n")
        self._python.stdin.flush()
        self._proxy.aim(int(self._python.stdout.readline()), request)
        self._python.stdin.write("go\n")
        self._python.stdin.flush()
        return os.waitstatus_to_exitcode(int(self._python.stdout.readline()))

    def close(self):
        self._python.communicate(timeout=20)


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture
def proxy(cloud):
    with KillingProxy(cloud.endpoint) as standing:
        yield standing


@pytest.fixture
def publishers(cloud, proxy, folder):
    # Packages for AWS need bytecode, and this interpreter is the one that is there for certain.
    folder.change("Runtime: python3.12", f"Runtime: python3.{sys.version_info.minor}")
    folder.change("Description: Lambda", LONG)
    cloud.reset()
    allowed(cloud.client("s3"))
    started = Publishers(cloud, proxy, folder)
    yield started
    started.close()


def allowed(s3):
    """The artifact bucket, which the repository may read."""
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY).replace(WORLDS_ACCOUNT, ACCOUNT))


def published(cloud):
    """All that was published, but for times and ids: applications, versions, texts, policies, and the bucket's keys."""
    sar, s3 = cloud.client("serverlessrepo"), cloud.client("s3")
    found = {"objects": sorted(each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))}
    for each in sar.list_applications()["Applications"]:
        arn = each["ApplicationId"]
        about = sar.get_application(ApplicationId=arn)
        texts = [urllib.request.urlopen(about.pop(name)).read() for name in ("ReadmeUrl", "LicenseUrl")]
        versions = [
            (version["SemanticVersion"], version["SourceCodeUrl"])
            for version in sar.list_application_versions(ApplicationId=arn)["Versions"]
        ]
        policy = sar.get_application_policy(ApplicationId=arn)["Statements"]
        del about["ResponseMetadata"]
        found[arn] = (about, texts, versions, policy)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", repr(found))
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


@pytest.fixture(params=["a new application", "a new version"])
def begin(request, cloud, publishers, folder):
    """Begins the story anew: an empty account, or one with an earlier version in it."""
    texts = {name: (folder.path / name).read_text() for name in ("template.yaml", "src/greet.py", "README.md")}

    def begun():
        cloud.reset()
        allowed(cloud.client("s3"))
        for name, text in texts.items():
            folder.write(name, text)
        if request.param == "a new version":
            assert publishers.run(folder) == 0
            folder.change("0.1.0", "0.2.0")
            folder.change("Greets whoever asks", "Greets politely")
            folder.write("src/greet.py", "def handler(event, context):\n    return 'good day'\n")
            folder.write("README.md", "# Politely\n")

    return begun


def test_killed_after_any_request_and_run_again_it_ends_the_same(cloud, proxy, publishers, begin, folder):
    begin()
    assert publishers.run(folder) == 0
    wanted, requests = published(cloud), proxy.requests
    assert requests >= 7

    for number in range(requests):
        begin()

        assert publishers.run(folder, request=number) == -signal.SIGKILL
        assert publishers.run(folder) == 0

        assert published(cloud) == wanted
