"""An embedded AWS whose Glue jobs run, and jobs of scripts.

`TESTED_GLUE_VERSION=6.0` runs them on another version of Glue.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.packaging.spark import glue_version, spark_environment

BUCKET = "glue-test-lake"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
_SECONDS = 120
_VERSION = os.environ.get("TESTED_GLUE_VERSION", "5.1")


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    try:
        spark_environment(glue_version(_VERSION))
    except BlueprintError as error:
        pytest.skip(f"Glue jobs do not run on this machine: {error}")
    with Cloud() as running:
        running.client("s3").create_bucket(Bucket=BUCKET)
        yield running


@dataclass
class Jobs:
    """Makes jobs of scripts, and runs them."""

    cloud: Cloud
    _names: list[str] = field(default_factory=list)

    @property
    def glue(self) -> Any:
        return self.cloud.client("glue")

    def role(self, *actions: str) -> str:
        name = f"role-{uuid.uuid4().hex[:8]}"
        iam = self.cloud.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(_TRUST))
        allowed = {"Effect": "Allow", "Action": [*actions, "logs:*"], "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=_policy(allowed))
        return name

    def create(self, script: str, *actions: str, **job: Any) -> str:
        name = f"job-{uuid.uuid4().hex[:8]}"
        key = f"scripts/{name}.py"
        self.cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=script.encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/{key}"}
        given = {"Role": self.role("s3:GetObject", *actions), "GlueVersion": _VERSION, "Command": command, **job}
        self.glue.create_job(Name=name, **given)
        return name

    def start(self, name: str, **run: Any) -> str:
        return str(self.glue.start_job_run(JobName=name, **run)["JobRunId"])

    def state(self, name: str, run_id: str) -> dict[str, Any]:
        return dict(self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"])

    def until(self, name: str, run_id: str, is_reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            state = self.state(name, run_id)
            if is_reached(state):
                return state
            time.sleep(0.05)
        raise AssertionError(state)

    def ended(self, name: str, run_id: str) -> dict[str, Any]:
        return self.until(name, run_id, lambda state: state["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING"))

    def run(self, script: str, *actions: str, arguments: dict[str, str] | None = None, **job: Any) -> dict[str, Any]:
        name = self.create(script, *actions, **job)
        return self.ended(name, self.start(name, Arguments=arguments or {}))

    def lines(self, run_id: str, kind: str = "output") -> list[str]:
        logs = self.cloud.client("logs")
        events = logs.get_log_events(logGroupName=f"/aws-glue/jobs/{kind}", logStreamName=run_id, startFromHead=True)
        return [each["message"] for each in events["events"]]


@pytest.fixture
def jobs(cloud: Cloud) -> Jobs:
    return Jobs(cloud)
