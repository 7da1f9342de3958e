"""Job runs: what the script gets, how runs end, and what limits them. Most scripts need no Spark session."""

import io
import json
import os
import time
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from blueprints.local.services.glue.job_runs import outcome_of
from blueprints.local.services.glue.spark_process import Ended
from tests.local.glue.conftest import BUCKET, Jobs

WAIT = "import time, pathlib, os\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not collected counts as ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_gone(process: int) -> bool:
    """Whether a process ends: a killed one does so when the machine comes to it."""
    deadline = time.monotonic() + 30
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(process)


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
    assert is_gone(process)
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
        ({"MaxRetries": 11}, "MaxRetries must be between 0 and 10"),
        ({"Timeout": 10_081}, "Timeout must be between 1 and 10080 minutes"),
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
        ({"--enable-glue-datacatalog": "true"}, "not Spark's metastore"),
        ({"--datalake-formats": "delta"}, "of the table formats, iceberg"),
        ({"--customer-driver-env-vars": "CUSTOMER_A=1"}, "environment variables of a job"),
        ({"--fixed": "2"}, "Not allowed to override argument --fixed"),
    ],
)
def test_runs_with_arguments_that_have_no_effect_are_refused(jobs: Jobs, arguments: dict, message: str) -> None:
    """Rather than run without them."""
    name = jobs.create("print(1)", NonOverridableArguments={"--fixed": "1"})
    with pytest.raises(ClientError, match=message):
        jobs.start(name, Arguments=arguments)


FAIL_TWICE = """
import sys
run = sys.argv[sys.argv.index("--JOB_RUN_ID") + 1]
print(run)
sys.exit(0 if run.endswith("_attempt_2") else 1)
"""


def test_a_failed_run_is_tried_again(jobs: Jobs) -> None:
    """Each attempt is a run of its own, and the newest is listed first."""
    name = jobs.create(FAIL_TWICE, MaxRetries=3)
    first = jobs.start(name)
    jobs.until(name, first, lambda _: len(jobs.glue.get_job_runs(JobName=name)["JobRuns"]) == 3)
    ids = [f"{first}_attempt_2", f"{first}_attempt_1", first]
    assert jobs.ended(name, ids[0])["JobRunState"] == "SUCCEEDED"
    runs = jobs.glue.get_job_runs(JobName=name)["JobRuns"]
    assert [each["Id"] for each in runs] == ids
    assert [each["Attempt"] for each in runs] == [2, 1, 0]
    assert [each.get("PreviousRunId") for each in runs] == [*ids[1:], None]
    assert [each["JobRunState"] for each in runs] == ["SUCCEEDED", "FAILED", "FAILED"]
    assert [jobs.lines(each) for each in ids] == [[each] for each in ids]


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Ended(0, timed_out=False, stopped=False, error_lines=()), ("SUCCEEDED", "")),
        (Ended(-9, timed_out=True, stopped=False, error_lines=()), ("TIMEOUT", "Job timed out after 5 minutes.")),
        (Ended(-9, timed_out=False, stopped=True, error_lines=()), ("STOPPED", "")),
        (
            Ended(2, timed_out=False, stopped=False, error_lines=()),
            ("FAILED", "The script ended with the exit status 2."),
        ),
    ],
)
def test_the_state_of_a_run_that_has_ended(ended: Ended, outcome: tuple[str, str]) -> None:
    assert outcome_of(ended, {"Timeout": 5}) == outcome


def test_a_stopped_run_is_not_tried_again(jobs: Jobs) -> None:
    name = jobs.create(WAIT, MaxRetries=2)
    run = jobs.start(name)
    process_of(jobs, name, run)
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert jobs.ended(name, run)["JobRunState"] == "STOPPED"
    answer = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert [each["ErrorDetail"]["ErrorCode"] for each in answer["Errors"]] == ["JobRunInTerminalStateException"]
    assert len(jobs.glue.get_job_runs(JobName=name)["JobRuns"]) == 1


def test_runs_are_listed_in_pages(jobs: Jobs) -> None:
    """From the newest to the oldest."""
    name = jobs.create("print(1)", ExecutionProperty={"MaxConcurrentRuns": 3})
    runs = [jobs.start(name) for _ in range(3)]
    first = jobs.glue.get_job_runs(JobName=name, MaxResults=2)
    second = jobs.glue.get_job_runs(JobName=name, MaxResults=2, NextToken=first["NextToken"])
    assert [each["Id"] for each in first["JobRuns"] + second["JobRuns"]] == runs[::-1]
    assert "NextToken" not in second
    with pytest.raises(ClientError, match="NextToken is not valid"):
        jobs.glue.get_job_runs(JobName=name, NextToken="unknown")
    with pytest.raises(ClientError, match="not found"):
        jobs.glue.get_job_runs(JobName="unknown")
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=runs)
    for each in runs:
        jobs.ended(name, each)


def test_files_of_a_run(jobs: Jobs) -> None:
    """Files are beside the script's working directory; modules and archives of modules can be imported."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("packed/__init__.py", "VALUE = 2")
    objects = {"files/rates.json": b"3", "one/shared.py": b"VALUE = 1", "files/packed.zip": archive.getvalue()}
    for key, body in objects.items():
        jobs.cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    script = """
import packed, shared, pathlib
print(shared.VALUE, packed.VALUE, pathlib.Path("rates.json").read_text())
"""
    modules = f"s3://{BUCKET}/one/shared.py,s3://{BUCKET}/files/packed.zip"
    ended = jobs.run(
        script, arguments={"--extra-py-files": modules, "--extra-files": f"s3://{BUCKET}/files/rates.json"}
    )
    assert ended["JobRunState"] == "SUCCEEDED", ended
    assert jobs.lines(ended["Id"]) == ["1 2 3"]


def test_modules_that_are_installed(jobs: Jobs) -> None:
    """A wheel from S3, installed for the run; one that cannot be installed fails the run."""
    jobs.cloud.client("s3").put_object(Bucket=BUCKET, Key=f"wheels/{WHEEL}", Body=wheel())
    given = {"--additional-python-modules": f"s3://{BUCKET}/wheels/{WHEEL}"}
    ended = jobs.run("import glue_test_module; print(glue_test_module.VALUE)", arguments=given)
    assert jobs.lines(ended["Id"]) == ["5"], ended
    jobs.cloud.client("s3").put_object(Bucket=BUCKET, Key=f"broken/{WHEEL}", Body=b"not a wheel")
    given = {"--additional-python-modules": f"s3://{BUCKET}/broken/{WHEEL}"}
    ended = jobs.run("print(1)", arguments=given)
    assert ended["JobRunState"] == "FAILED"
    assert "--additional-python-modules" in ended["ErrorMessage"]


WHEEL = "glue_test_module-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """A wheel with one module."""
    content, about = io.BytesIO(), "glue_test_module-1.0.dist-info"
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("glue_test_module.py", "VALUE = 5")
        packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: glue_test_module\nVersion: 1.0\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "glue_test_module.py,,\n")
    return content.getvalue()


def test_the_capacity_of_a_run(jobs: Jobs) -> None:
    """In DPUs of its workers; DPU-seconds are given for jobs that grow by themselves, as on AWS."""
    sized = {"WorkerType": "G.2X", "NumberOfWorkers": 3}
    ended = jobs.run("print(1)", **sized)
    assert (ended["MaxCapacity"], ended["WorkerType"], "DPUSeconds" in ended) == (6.0, "G.2X", False)
    name = jobs.create("print(1)", MaxCapacity=4.0, DefaultArguments={"--enable-auto-scaling": "true"})
    grows = jobs.ended(name, jobs.start(name))
    assert (grows["MaxCapacity"], grows.get("WorkerType")) == (4.0, None)
    assert grows["DPUSeconds"] == grows["ExecutionTime"] * 4.0


def test_an_update_resets_what_it_does_not_name(jobs: Jobs) -> None:
    name = jobs.create("print(1)", ExecutionProperty={"MaxConcurrentRuns": 2}, MaxRetries=1, MaxCapacity=2.0)
    before = jobs.glue.get_job(JobName=name)["Job"]
    changed = {"Role": before["Role"], "Command": before["Command"], "ExecutionProperty": {"MaxConcurrentRuns": 3}}
    jobs.glue.update_job(JobName=name, JobUpdate=changed)
    after = jobs.glue.get_job(JobName=name)["Job"]
    assert after["ExecutionProperty"] == {"MaxConcurrentRuns": 3}
    assert (after["MaxRetries"], after["WorkerType"], after["NumberOfWorkers"]) == (0, "G.1X", 10)
    jobs.glue.update_job(JobName=name, JobUpdate={"Role": before["Role"], "Command": before["Command"]})
    assert "ExecutionProperty" not in jobs.glue.get_job(JobName=name)["Job"]


def test_a_role_that_does_not_trust_glue_fails_the_run(jobs: Jobs) -> None:
    name = jobs.create("print(1)")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = jobs.glue.get_job(JobName=name)["Job"]["Role"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    jobs.cloud.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=document)
    ended = jobs.ended(name, jobs.start(name))
    assert ended["JobRunState"] == "FAILED"
    assert "glue.amazonaws.com is not authorized to perform: sts:AssumeRole" in ended["ErrorMessage"]


def test_bookmarks_are_refused(jobs: Jobs) -> None:
    with pytest.raises(ClientError, match="GetJobBookmark"):
        jobs.glue.get_job_bookmark(JobName="any")


def test_a_reset_ends_the_processes(jobs: Jobs) -> None:
    """No run outlives the account."""
    name = jobs.create(WAIT)
    process = process_of(jobs, name, jobs.start(name))
    jobs.cloud.reset()
    assert is_gone(process)
    jobs.cloud.client("s3").create_bucket(Bucket=BUCKET)
