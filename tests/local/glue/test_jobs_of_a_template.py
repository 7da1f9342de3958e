"""AWS::Glue::Job: what a template states reaches the job, also in an update."""

import json
from typing import Any

import pytest

from tests.local.glue.conftest import BUCKET, Jobs


def template(**properties: Any) -> str:
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/scripts/any.py"}
    job = {"Type": "AWS::Glue::Job", "Properties": {"Role": "any", "Command": command, **properties}}
    return json.dumps({"Resources": {"Job": job}, "Outputs": {"Name": {"Value": {"Ref": "Job"}}}})


@pytest.fixture
def stack(jobs: Jobs) -> Any:
    cloudformation = jobs.cloud.client("cloudformation")

    def deploy(**properties: Any) -> dict:
        body = template(**properties)
        names = [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]]
        action, waiter = ("update", "stack_update_complete") if "etl" in names else ("create", "stack_create_complete")
        getattr(cloudformation, f"{action}_stack")(StackName="etl", TemplateBody=body)
        cloudformation.get_waiter(waiter).wait(StackName="etl", WaiterConfig={"Delay": 0.1})
        (described,) = cloudformation.describe_stacks(StackName="etl")["Stacks"]
        name = described["Outputs"][0]["OutputValue"]
        return dict(jobs.glue.get_job(JobName=name)["Job"])

    yield deploy
    cloudformation.delete_stack(StackName="etl")


def test_a_job_of_a_template(stack: Any) -> None:
    job = stack(ExecutionProperty={"MaxConcurrentRuns": 2}, Timeout="5", NumberOfWorkers="2", WorkerType="G.1X")
    assert (job["ExecutionProperty"], job["Timeout"], job["GlueVersion"]) == ({"MaxConcurrentRuns": 2}, 5, "5.1")
    changed = stack(ExecutionProperty={"MaxConcurrentRuns": 3}, MaxRetries=1)
    assert changed["Name"] == job["Name"]
    assert (changed["ExecutionProperty"], changed["Timeout"]) == ({"MaxConcurrentRuns": 3}, 2880)
    assert "ExecutionProperty" not in stack(MaxRetries=2)


def test_another_name_replaces_the_job(stack: Any, jobs: Jobs) -> None:
    assert stack(Name="one")["Name"] == "one"
    assert stack(Name="two")["Name"] == "two"
    assert [each["Name"] for each in jobs.glue.get_jobs()["Jobs"] if each["Name"] in ("one", "two")] == ["two"]
