"""A deployment with a changed script gives the jobs the changed one."""

import shutil
from urllib.parse import urlsplit

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.packaging.spark import glue_version, spark_environment
from blueprints.pattern import Pattern, find
from blueprints.progress import Progress


@pytest.fixture
def own(tmp_path):
    """A copy of the pattern, to be changed."""
    try:
        spark_environment(glue_version("5.1"))
    except BlueprintError as error:
        pytest.skip(f"Glue jobs do not run on this machine: {error}")
    return shutil.copytree(find("glue-data-lake").folder, tmp_path / "glue-data-lake")


def scripts(cloud, folder):
    """Deploy the folder; return the scripts of the jobs, by their address."""
    progress = Progress(None)
    bring_up(cloud, prepare(Pattern.load(folder), progress), progress)
    named = [urlsplit(job["Command"]["ScriptLocation"]) for job in cloud.client("glue").get_jobs()["Jobs"]]
    get = cloud.client("s3").get_object
    return {url.geturl(): get(Bucket=url.netloc, Key=url.path[1:])["Body"].read().decode() for url in named}


def test_a_changed_script_is_stored_below_a_new_key_and_named_by_the_job(own):
    jobs = own / "src" / "jobs"
    with Cloud() as cloud:
        before = scripts(cloud, own)
        assert scripts(cloud, own) == before
        with (jobs / "curate_orders.py").open("a") as script:
            script.write("# changed\n")
        after = scripts(cloud, own)
        kept = [
            url
            for url in before
            if cloud.client("s3").head_object(Bucket=urlsplit(url).netloc, Key=urlsplit(url).path[1:])
        ]
    assert sorted(after.values()) == sorted(path.read_text() for path in jobs.glob("*.py"))
    assert not before.keys() & after.keys()
    assert len(kept) == len(before) == 2
