"""The fixtures of the pattern's own tests, lakes of both engines, and a copy of the pattern for a version of Glue.

`TESTED_GLUE_VERSION=6.0` tests another version than the template's.
"""

import re
import shutil
import uuid
from pathlib import Path

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.packaging.spark import glue_version, spark_environment
from blueprints.pattern import find
from tests.patterns.fixtures import load_fixtures

globals().update(load_fixtures(Path(__file__).parent))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A copy of the pattern whose jobs have the tested version of Glue, in a folder of the same name."""
    from local_spark import tested_glue_version  # the fixtures put its folder on the path

    version = tested_glue_version()
    try:
        spark_environment(glue_version(version))
    except BlueprintError as error:
        pytest.skip(f"Glue jobs do not run on this machine: {error}")
    copy = shutil.copytree(find("glue-data-lake").folder, tmp_path_factory.mktemp("copy") / "glue-data-lake")
    template = copy / "template.yaml"
    text, jobs = re.subn(r"(?<=GlueVersion: )\S+", f'"{version}"', template.read_text())
    assert jobs == 2
    template.write_text(text)
    return copy


@pytest.fixture(scope="module")
def small():
    """The module `curate_small`, whose catalog and bucket are those of an embedded AWS."""
    with Cloud() as cloud, pytest.MonkeyPatch.context() as patch:
        cloud.client("s3").create_bucket(Bucket="lake")
        function = {"LAKE_BUCKET": "lake", "LAKE_DATABASE": "lake", "TIME_ZONE": "Europe/Vienna"}
        function |= {"STOP_PERCENT": "5", "SMALL_RUN_MEGABYTES": "64"}
        for name, value in {**cloud.environment(), **function}.items():
            patch.setenv(name, value)
        import curate_small

        patch.setattr(curate_small, "s3", cloud.client("s3"))
        yield curate_small


@pytest.fixture
def spark_lake(job, spark):
    """A lake without tables, which Spark curates."""
    from lakes import SparkLake

    return SparkLake(job, spark, f"lake.d{uuid.uuid4().hex[:8]}")


@pytest.fixture
def lambda_lake(small):
    """A lake without tables, which the Lambda function curates."""
    from lakes import LambdaLake

    return LambdaLake(small, f"d{uuid.uuid4().hex[:8]}")


@pytest.fixture(params=["spark", "lambda"])
def lake(request):
    """A lake without tables, of each engine."""
    return request.getfixturevalue(f"{request.param}_lake")
