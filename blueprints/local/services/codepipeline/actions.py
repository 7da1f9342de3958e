"""Runs the actions of a pipeline, with the permissions of the pipeline's role."""

import json
import threading
import time
import uuid
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.base.clients import Caller
from blueprints.local.base.clock import Clock
from blueprints.local.services.codepipeline.execution import Abandoned, ActionFailed, ActionRun, Execution
from blueprints.local.services.codepipeline.pipeline_definition import provider
from blueprints.local.services.iam import RoleNotAssumed, assume_role

SERVICE = "codepipeline.amazonaws.com"
_APPROVAL_MINUTES = 7 * 24 * 60
_LOOK_SECONDS = 0.05


class Actions:
    """Runs actions; approvals wait here for their result."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._answers: dict[str, tuple[str, str, str]] = {}
        self._answered = threading.Condition()

    def perform(self, execution: Execution, run: ActionRun) -> None:
        """Run one action. Raises ActionFailed, or Abandoned if the execution was stopped meanwhile."""
        region = execution.arn.split(":")[3]
        try:
            session = assume_role(execution.pipeline["roleArn"], SERVICE, execution.id, region, self._endpoint)
            if provider(run.action) == "S3":
                _fetch(execution, run, session)
            elif provider(run.action) == "CodeBuild":
                _build(execution, run, session)
            else:
                self._await_approval(execution, run)
        except RoleNotAssumed as error:
            raise ActionFailed("PermissionError", str(error)) from error
        except ClientError as error:
            described = error.response.get("Error", {})
            code = "PermissionError" if "Denied" in str(described.get("Code")) else "ActionError"
            raise ActionFailed(code, str(described.get("Message") or error)) from error

    def answer(self, token: str, status: str, summary: str, by: str) -> None:
        """Record an approval or a rejection."""
        with self._answered:
            self._answers[token] = (status, summary, by)
            self._answered.notify_all()

    def _await_approval(self, execution: Execution, run: ActionRun) -> None:
        run.token = str(uuid.uuid4())
        minutes = float(run.action.get("timeoutInMinutes") or _APPROVAL_MINUTES)
        deadline = self._clock.now() + minutes * 60
        with self._answered:
            while run.token not in self._answers:
                if execution.stopping.is_set():
                    raise Abandoned
                if self._clock.now() > deadline:
                    raise ActionFailed("ApprovalTimedOut", f"Nobody approved within {minutes:g} minutes")
                self._answered.wait(0.1)
            status, run.summary, run.updated_by = self._answers.pop(run.token)
        if status == "Rejected":
            raise ActionFailed("Rejected", run.summary)


def _fetch(execution: Execution, run: ActionRun, session: Caller) -> None:
    """Copy the present version of the object into the artifact store."""
    s3 = session.client("s3")
    bucket, key = run.configuration["S3Bucket"], run.configuration["S3ObjectKey"]
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ActionFailed("ConfigurationError", f"The bucket {bucket} keeps no versions, which a source needs")
    try:
        version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    except ClientError as error:
        raise (_unreadable(error, bucket, key) or error) from error
    content = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
    store = execution.pipeline["artifactStore"]
    encryption = store.get("encryptionKey")
    settings = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption["id"]} if encryption else {}
    for artifact in run.action.get("outputArtifacts") or ():
        name = artifact["name"]
        place = f"{execution.pipeline['name'][:20]}/{name[:10]}/{uuid.uuid4().hex[:7]}"
        s3.put_object(Bucket=store["location"], Key=place, Body=content, **settings)
        run.outputs[name] = (store["location"], place)
        revision = {"name": name, "revisionId": version, "created": time.time(), "revisionSummary": f"{bucket}/{key}"}
        execution.revisions.append(revision)
    run.external_id = version
    run.summary = f"Amazon S3 version id: {version}"
    run.variables = {"BucketName": bucket, "ObjectKey": key, "VersionId": version}


def _unreadable(error: ClientError, bucket: str, key: str) -> ActionFailed | None:
    """Why an object cannot be read, as S3 answers HeadObject without words; None for other errors."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status == 404:
        return ActionFailed("ConfigurationError", f"There is no object {key} in the bucket {bucket}")
    if status == 403:
        missing = f"or there is none and the role lacks s3:ListBucket on {bucket}"
        return ActionFailed(
            "PermissionError", f"The role may not read the object {key} in the bucket {bucket}, {missing}"
        )
    return None


def _build(execution: Execution, run: ActionRun, session: Caller) -> None:
    """Start a build of the input artifact and wait for its end."""
    codebuild = session.client("codebuild")
    (artifact, *_) = run.action.get("inputArtifacts") or [{"name": ""}]
    bucket, key = execution.artifacts[artifact["name"]]
    variables = json.loads(run.configuration.get("EnvironmentVariables") or "[]")
    started = codebuild.start_build(
        projectName=run.configuration["ProjectName"],
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{bucket}/{key}",
        sourceVersion=f"arn:aws:s3:::{bucket}/{key}",
        environmentVariablesOverride=[
            {"name": each["name"], "value": each["value"], "type": each.get("type", "PLAINTEXT")} for each in variables
        ],
    )
    run.external_id = started["build"]["id"]
    while True:
        if execution.stopping.is_set():
            codebuild.stop_build(id=run.external_id)
            raise Abandoned
        (build,) = codebuild.batch_get_builds(ids=[run.external_id])["builds"]
        if build["buildStatus"] != "IN_PROGRESS":
            break
        time.sleep(_LOOK_SECONDS)
    exported: list[dict[str, Any]] = build.get("exportedEnvironmentVariables") or []
    run.variables = {each["name"]: each["value"] for each in exported}
    if build["buildStatus"] != "SUCCEEDED":
        raise ActionFailed("JobFailed", f"Build terminated with state: {build['buildStatus']}{_phase_of(build)}")


def _phase_of(build: dict[str, Any]) -> str:
    failed = [phase for phase in build["phases"] if phase.get("phaseStatus") not in (None, "SUCCEEDED")]
    if not failed:
        return ""
    said = " ".join(context.get("message", "") for context in failed[0].get("contexts") or ())
    return f". Phase: {failed[0]['phaseType']}, {said}".rstrip(", ")
