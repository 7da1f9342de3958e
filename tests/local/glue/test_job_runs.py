"""Job runs: what the script gets, how runs end, and what limits them. Most scripts need no Spark session."""

import json
import os
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.local.glue.conftest import BUCKET, Jobs

WAIT = "import time, pathlib, os\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not collected counts as ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def process_of(jobs: Jobs, name: str, run_id: str) -> int:
    jobs.until(name, run_id, lambda state: state["JobRunState"] == "RUNNING")
    for _ in range(400):
        try:
            return int(jobs.lines(run_id)[0])
        except (ClientError, IndexError):
            time.sleep(0.05)
    raise AssertionError("the script did not start")


def test_the_script_gets_its_arguments(jobs: Jobs) -> None:
    """The job's and the run's own, and Glue's names; what Glue reads itself does not reach the script."""
    script = "import sys, json; print(json.dumps(sys.argv[1:]))"
    ended = jobs.run(
        script,
        DefaultArguments={"--day": "monday", "--place": "ä b", "--datalake-formats": "iceberg"},
        arguments={"--day": "tuesday"},
    )
    assert ended["JobRunState"] == "SUCCEEDED"
    line = json.loads(jobs.lines(ended["Id"])[0])
    found = dict(zip(line[::2], line[1::2], strict=True))
    assert found.pop("--JOB_RUN_ID") == ended["Id"]
    assert found.pop("--JOB_NAME") == ended["JobName"]
    found.pop("--JOB_ID")
    assert found == {"--day": "tuesday", "--place": "ä b"}


def test_resolved_options_are_those_of_glue(jobs: Jobs) -> None:
    """awsglue.utils works; awsglue's contexts are refused by name."""
    script = """
import sys
from awsglue.utils import getResolvedOptions
print(getResolvedOptions(sys.argv, ["JOB_NAME", "day"])["day"])
from awsglue.context import GlueContext
"""
    ended = jobs.run(script, arguments={"--day": "monday"})
    assert jobs.lines(ended["Id"]) == ["monday"]
    assert ended["JobRunState"] == "FAILED"
    assert ended["ErrorMessage"].startswith("ImportError: awsglue.context is not emulated: GlueContext")


def test_a_failed_script_names_its_exception(jobs: Jobs) -> None:
    """The message is the last exception, not the last line."""
    script = "import sys\ntry:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('bad day') from e\n"
    ended = jobs.run(script)
    assert (ended["JobRunState"], ended["ErrorMessage"]) == ("FAILED", "ValueError: bad day")
    assert any("ZeroDivisionError" in line for line in jobs.lines(ended["Id"], "error"))


def test_an_exit_status_fails_the_run(jobs: Jobs) -> None:
    """Without an exception the status is the message."""
    ended = jobs.run("import sys; sys.exit(3)")
    assert (ended["JobRunState"], ended["ErrorMessage"]) == ("FAILED", "The script ended with the exit status 3.")


def test_the_script_has_the_permissions_of_the_role(jobs: Jobs) -> None:
    """It may do what the role may, and nothing else."""
    script = f"""
import boto3
s3 = boto3.client("s3")
s3.put_object(Bucket="{BUCKET}", Key="written/by-role", Body=b"1")
s3.delete_object(Bucket="{BUCKET}", Key="written/by-role")
"""
    ended = jobs.run(script, "s3:PutObject")
    assert ended["JobRunState"] == "FAILED"
    assert "AccessDenied" in ended["ErrorMessage"]
    assert "DeleteObject" in ended["ErrorMessage"]
    body = jobs.cloud.client("s3").get_object(Bucket=BUCKET, Key="written/by-role")["Body"].read()
    assert body == b"1"


def test_a_role_that_cannot_read_the_script_fails_the_run(jobs: Jobs) -> None:
    """Before any process starts."""
    name = jobs.create("print(1)")
    jobs.glue.update_job(
        JobName=name,
        JobUpdate={"Role": jobs.role("s3:PutObject"), "Command": jobs.glue.get_job(JobName=name)["Job"]["Command"]},
    )
    ended = jobs.ended(name, jobs.start(name))
    assert ended["JobRunState"] == "FAILED"
    assert ended["ErrorMessage"].startswith(f"LAUNCH ERROR | s3://{BUCKET}/scripts/")


def test_nothing_of_this_machine_reaches_the_script(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the tools' environment."""
    script = "import os, json; print(json.dumps(dict(os.environ)))"
    ended = jobs.run(script)
    environment = json.loads(jobs.lines(ended["Id"])[0])
    assert environment["HOME"] != os.environ.get("HOME")
    assert "PYTEST_CURRENT_TEST" not in environment
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_a_job_runs_once_at_a_time(jobs: Jobs) -> None:
    """Unless it allows more; a stopped run makes room."""
    name = jobs.create(WAIT)
    first = jobs.start(name)
    with pytest.raises(ClientError, match="Concurrent runs exceeded") as refused:
        jobs.start(name)
    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    process = process_of(jobs, name, first)
    stopped = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[first, "jr_unknown"])
    assert [each["JobRunId"] for each in stopped["SuccessfulSubmissions"]] == [first]
    assert [each["JobRunId"] for each in stopped["Errors"]] == ["jr_unknown"]
    assert jobs.ended(name, first)["JobRunState"] == "STOPPED"
    assert not is_alive(process)
    second = jobs.start(name)
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[second])
    assert jobs.ended(name, second)["JobRunState"] == "STOPPED"


def test_several_runs_of_a_job_that_allows_them(jobs: Jobs) -> None:
    """As many as MaxConcurrentRuns."""
    name = jobs.create(WAIT, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [jobs.start(name), jobs.start(name)]
    with pytest.raises(ClientError, match="Concurrent runs exceeded"):
        jobs.start(name)
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=runs)
    assert {jobs.ended(name, each)["JobRunState"] for each in runs} == {"STOPPED"}


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"GlueVersion": "4.0"}, "Jobs of Glue 4.0 cannot run on this machine"),
        ({"Command": {"Name": "glueetl", "ScriptLocation": "/tmp/x.py"}}, "ScriptLocation must be the s3:// address"),
        ({"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2}, "do not set Max Capacity"),
    ],
)
def test_jobs_that_cannot_run_are_refused(jobs: Jobs, job: dict, message: str) -> None:
    """When they are created."""
    with pytest.raises(ClientError, match=message):
        jobs.create("print(1)", **job)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"--job-bookmark-option": "job-bookmark-enable"}, "bookmarks are not emulated"),
        ({"--class": "Main"}, "jobs in Scala do not run"),
        ({"--conf": "spark.x"}, "is not name=value"),
        ({"--fixed": "2"}, "Not allowed to override argument --fixed"),
    ],
)
def test_runs_with_arguments_that_have_no_effect_are_refused(jobs: Jobs, arguments: dict, message: str) -> None:
    """Rather than run without them."""
    name = jobs.create("print(1)", NonOverridableArguments={"--fixed": "1"})
    with pytest.raises(ClientError, match=message):
        jobs.start(name, Arguments=arguments)


def test_a_reset_ends_the_processes(jobs: Jobs) -> None:
    """No run outlives the account."""
    name = jobs.create(WAIT)
    process = process_of(jobs, name, jobs.start(name))
    jobs.cloud.reset()
    for _ in range(200):
        if not is_alive(process):
            break
        time.sleep(0.05)
    assert not is_alive(process)
    jobs.cloud.client("s3").create_bucket(Bucket=BUCKET)
