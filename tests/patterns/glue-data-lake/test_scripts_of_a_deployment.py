"""A deployment with a changed script gives the jobs the changed one."""

from urllib.parse import urlsplit

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import Pattern
from blueprints.progress import Progress

SCRIPTS = ("curate_orders.py", "maintain_tables.py")


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
    assert sorted(after.values()) == sorted((jobs / name).read_text() for name in SCRIPTS)
    assert not before.keys() & after.keys()
    assert len(kept) == len(before) == 2
