"""CodeBuild projects with their roles, buildspecs and archives, and the logs of their builds."""

import io
import json
import zipfile

LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}


def role(*statements, service="codebuild.amazonaws.com"):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [LOGS, *statements]}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "build", "PolicyDocument": policy}],
        },
    }


def project(buildspec, source=None, **properties):
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Source": {"Type": "NO_SOURCE", "BuildSpec": buildspec, **(source or {})},
            "Environment": {
                "Type": "ARM_CONTAINER",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "Image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
                "EnvironmentVariables": [{"Name": "GREETING", "Value": "hello there"}],
            },
            "ServiceRole": {"Fn::GetAtt": ["Builder", "Arn"]},
            "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": {"Ref": "Logs"}}},
            **properties,
        },
    }


def spec(*commands, **phases):
    listed = {name: {"commands": list(each)} for name, each in {**phases, "build": commands}.items() if each}
    order = [name for name in ("install", "pre_build", "build", "post_build") if name in listed]
    body = {"version": 0.2, "env": {"exported-variables": ["RESULT"]}, "phases": {name: listed[name] for name in order}}
    return json.dumps(body, indent=1)


def log_of(cloud, build):
    logs = cloud.client("logs")
    where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    try:
        return [event["message"] for event in logs.get_log_events(**where, startFromHead=True)["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            item = zipfile.ZipInfo(name)
            item.external_attr = 0o755 << 16
            archive.writestr(item, text)
    return content.getvalue()
