"""Publishing all patterns when nothing changed, as a pipeline does on most pushes.

Both variants publish to one embedded AWS, in different accounts, and publish everything once before they are measured.
The peer builds, packages and publishes each pattern, and finds at the end that the version exists.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.comparisons.builds import python_of_functions
from benchmarks.harness import Bench, Sample, Unavailable, Variant
from benchmarks.processes import run_measured
from blueprints import cache
from blueprints.local.cloud import Cloud
from blueprints.packaging.shared_wheel import shared_wheel
from blueprints.pattern import Pattern, discover

TITLE = "Publish"

_BLUEPRINTS = Path(sys.executable).with_name("blueprints")
_BUCKET = "artifacts-of-{}"
_OURS, _THEIRS = "222222222222", "111111111111"
_PYTHON = "3.13"


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield `blueprints publish` against `sam build`, `sam package` and `sam publish` of the same patterns."""
    patterns = discover()[:1] if bench.quick else discover()
    case = f"publish {len(patterns)} pattern{'s' * (len(patterns) > 1)}: nothing changed"
    try:
        interpreter = python_of_functions()
        sam = peers.sam(bench.progress)
    except Unavailable as reason:
        yield Missing(case, str(reason))
        return
    bench.uses("aws-sam-cli", peers.AWS_SAM_CLI)
    with Cloud() as cloud, tempfile.TemporaryDirectory(dir=cache.folder("benchmarks")) as folder:
        ours = Ours(cloud, patterns, Path(folder))
        theirs = Theirs(cloud, patterns, Path(folder), sam, interpreter.path)
        bench.progress("publishing everything for the first time")
        ours.publish()
        theirs.publish()
        variants = {
            "peer": Variant("sam build, sam package, sam publish", theirs.publish),
            "ours": Variant("blueprints publish", ours.publish),
        }
        timed = bench.measure(case, variants, rounds=3 if bench.quick else 5, warm_up=False)
        _expect_all(cloud, patterns)
    yield Claim(case, timed, measure="wall", target=Target("faster", 20))


class Ours:
    """`blueprints publish`: one command for all patterns."""

    def __init__(self, cloud: Cloud, patterns: Sequence[Pattern], folder: Path) -> None:
        names = [each.name for each in patterns]
        self._command: list[str | Path] = [_BLUEPRINTS, "publish", "--bucket", _made_bucket(cloud, _OURS), *names]
        self._environment = {**os.environ, **cloud.environment(), "AWS_ACCESS_KEY_ID": _OURS}
        self._folder = folder

    def publish(self) -> Sample:
        """Publish all patterns."""
        return run_measured(self._command, cwd=self._folder, env=self._environment)


class Theirs:
    """SAM: three commands for each pattern, on copies without samconfig.toml, whose settings are for `sam deploy`."""

    def __init__(self, cloud: Cloud, patterns: Sequence[Pattern], folder: Path, sam: Path, python: Path) -> None:
        """`python` is the interpreter of the functions' runtime; sam uses the first one on PATH."""
        self._sam, self._bucket = sam, _made_bucket(cloud, _THEIRS)
        self._copies = [_copy(each, folder / "theirs" / each.name) for each in patterns]
        (folder / "bin").mkdir()
        (folder / "bin" / f"python{_PYTHON}").symlink_to(python)
        wheel = shared_wheel()
        assert wheel
        self._environment = {
            **os.environ,
            **cloud.environment(),
            "AWS_ACCESS_KEY_ID": _THEIRS,
            "AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY": cloud.endpoint,
            "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")]),
            "PIP_FIND_LINKS": " ".join(filter(None, [os.environ.get("PIP_FIND_LINKS"), str(wheel.parent)])),
            "SAM_CLI_TELEMETRY": "0",
        }

    def publish(self) -> Sample:
        """Build, package and publish one pattern after the other."""
        samples = [sample for copy in self._copies for sample in self._published(copy)]
        return Sample(
            sum(each.wall or 0 for each in samples),
            sum(each.cpu or 0 for each in samples),
            max(each.peak or 0 for each in samples),
        )

    def _published(self, copy: Path) -> Iterable[Sample]:
        built, packaged = copy / "built", copy / "packaged.yaml"
        yield self._run(copy, "build", "--template", copy / "template.yaml", "--build-dir", built)
        yield self._run(
            copy, "package", "--template-file", built / "template.yaml", "--s3-bucket", self._bucket,
            "--output-template-file", packaged,
        )  # fmt: skip
        yield self._run(copy, "publish", "--template", packaged)

    def _run(self, copy: Path, *arguments: str | Path) -> Sample:
        return run_measured([self._sam, *arguments], cwd=copy, env=self._environment)


def _copy(pattern: Pattern, destination: Path) -> Path:
    return shutil.copytree(
        pattern.folder, destination, ignore=shutil.ignore_patterns("__pycache__", ".aws-sam", "samconfig.toml")
    )


def _made_bucket(cloud: Cloud, account: str) -> str:
    """Make a bucket that the Serverless Application Repository may read, and return its name."""
    name = _BUCKET.format(account)
    s3 = _client(cloud, "s3", account)
    s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "serverlessrepo.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def _expect_all(cloud: Cloud, patterns: Sequence[Pattern]) -> None:
    """Raise RuntimeError unless both variants published each pattern in exactly one version."""
    for account in (_OURS, _THEIRS):
        sar = _client(cloud, "serverlessrepo", account)
        found = {each["Name"]: each["ApplicationId"] for each in sar.list_applications()["Applications"]}
        for pattern in patterns:
            versions = sar.list_application_versions(ApplicationId=found[pattern.name])["Versions"]
            if [each["SemanticVersion"] for each in versions] != [pattern.version]:
                raise RuntimeError(f"{pattern.name} was not published as it is in account {account}")


def _client(cloud: Cloud, service: str, account: str) -> Any:
    import boto3

    return boto3.client(
        service,
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="embedded",  # noqa: S106 - nothing to protect: the account lives on loopback
    )
