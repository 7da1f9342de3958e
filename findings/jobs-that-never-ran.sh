#!/usr/bin/env bash
# ministack 1.5.33 reports that jobs of AWS Batch and of Apache Spark in AWS Glue succeeded, although nothing ran them.
#
# Without Docker, a Glue job of Spark succeeds even if its script does not exist, and a Batch job at once, with exit code
# 0, in a queue that does not exist. A workflow that waits for them goes on as if their work were done. The tasks of our
# Step Functions fail instead: `blueprints/local/services/stepfunctions/tasks/`.
#
# Seen:    Glue: SUCCEEDED
#          Batch: SUCCEEDED, exit code 0
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cat > "$folder/jobs.py" <<'PYTHON'
import sys
import time

import boto3

SETTINGS = {
    "endpoint_url": f"http://127.0.0.1:{sys.argv[1]}",
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


def until(look):
    problem = "not done"
    for _ in range(100):
        try:
            seen = look()
        except Exception as error:  # the server is starting
            seen, problem = None, error
        if seen:
            return seen
        time.sleep(0.1)
    raise SystemExit(f"no answer: {problem}")


glue, batch = boto3.client("glue", **SETTINGS), boto3.client("batch", **SETTINGS)
until(lambda: glue.get_databases()["ResponseMetadata"])
command = {"Name": "glueetl", "ScriptLocation": "s3://no-such-bucket/no-such-script.py"}
glue.create_job(Name="spark", Role="arn:aws:iam::000000000000:role/glue", Command=command)
run = glue.start_job_run(JobName="spark")["JobRunId"]
state = until(lambda: (seen := glue.get_job_run(JobName="spark", RunId=run)["JobRun"]).get("CompletedOn") and seen)
print(f"Glue: {state['JobRunState']}")
job = batch.submit_job(jobName="nothing", jobQueue="no-such-queue", jobDefinition="no-such-definition")["jobId"]
(described,) = batch.describe_jobs(jobs=[job])["jobs"]
print(f"Batch: {described['status']}, exit code {described['container']['exitCode']}")
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'ministack[full]==1.5.33' boto3
port=$("$folder/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$folder/tmp"
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 PERSIST_STATE=0 TMPDIR="$folder/tmp" \
    STATE_DIR="$folder/state" S3_DATA_DIR="$folder/s3" DOCKER_HOST="unix://$folder/no-docker.sock" \
    "$folder/venv/bin/python" -m ministack > "$folder/log" 2>&1 &
server=$!
"$folder/venv/bin/python" "$folder/jobs.py" "$port" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Glue: SUCCEEDED
Batch: SUCCEEDED, exit code 0
SEEN
