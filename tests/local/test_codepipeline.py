"""CodePipeline runs stages in order, with the permissions of the pipeline's role."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from tests.local.building import log_of, project, role, spec, zipped
from tests.local.resources import QUEUE

BUCKET = {"Type": "AWS::S3::Bucket"}
VERSIONED = {**BUCKET, "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
NOTIFYING = {
    **BUCKET,
    "Properties": {
        **VERSIONED["Properties"],
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
    },
}


def sub(text):
    return {"Fn::Sub": text}


def arn_of(logical_id):
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def statement(actions, *resources):
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def pipeline_role(*left_out):
    statements = [
        statement(["s3:GetBucketVersioning"], arn_of("Source")),
        statement(["s3:ListBucket"], arn_of("Source")),
        statement(["s3:GetObject", "s3:GetObjectVersion"], sub("${Source.Arn}/source.zip")),
        statement(["s3:PutObject"], sub("${Store.Arn}/*")),
        statement(["codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild"], arn_of("Project")),
    ]
    kept = [each for each in statements if not set(left_out) & set(each["Action"])]
    return role(*kept, service="codepipeline.amazonaws.com")


def action(name, category, provider, **properties):
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "ActionTypeId": kind, **properties}


SOURCE = action(
    "Fetch",
    "Source",
    "S3",
    Namespace="Source",
    Configuration={"S3Bucket": {"Ref": "Source"}, "S3ObjectKey": "source.zip", "PollForSourceChanges": "false"},
    OutputArtifacts=[{"Name": "Sources"}],
)
BUILD = action(
    "Run",
    "Build",
    "CodeBuild",
    Namespace="Build",
    Configuration={
        "ProjectName": {"Ref": "Project"},
        "EnvironmentVariables": json.dumps([{"name": "VERSION", "value": "#{Source.VersionId}", "type": "PLAINTEXT"}]),
    },
    InputArtifacts=[{"Name": "Sources"}],
)
APPROVE = action("Decide", "Approval", "Manual", Configuration={"CustomData": "it says #{Build.RESULT}"})


def pipeline(*stages, **properties):
    listed = [{"Name": each["Name"], "Actions": [each]} for each in stages]
    return {
        "Type": "AWS::CodePipeline::Pipeline",
        "Properties": {
            "RoleArn": arn_of("PipelineRole"),
            "PipelineType": "V2",
            "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Store"}},
            "Stages": listed,
            **properties,
        },
    }


class World:
    """A pipeline with all it takes, and what to look at."""

    def __init__(self, cloud, outputs):
        self.cloud, self.outputs = cloud, outputs
        self.client = cloud.client("codepipeline")
        self.name = outputs["Pipeline"]

    def put(self, **files):
        body = zipped(**files)
        return self.cloud.client("s3").put_object(Bucket=self.outputs["Source"], Key="source.zip", Body=body)

    def start(self):
        return self.client.start_pipeline_execution(name=self.name)["pipelineExecutionId"]

    def execution(self, execution_id):
        given = {"pipelineName": self.name, "pipelineExecutionId": execution_id}
        return self.client.get_pipeline_execution(**given)["pipelineExecution"]

    def ended(self, execution_id):
        return until(lambda: self.execution(execution_id), lambda found: found["status"] != "InProgress")["status"]

    def actions(self, execution_id):
        listed = self.client.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return {each["actionName"]: each for each in listed}

    def log(self, build_id):
        (build,) = self.cloud.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
        return log_of(self.cloud, build)

    def waiting(self, stage, name):
        """The token of an approval that waits."""

        def token():
            (stages,) = [
                each
                for each in self.client.get_pipeline_state(name=self.name)["stageStates"]
                if each["stageName"] == stage
            ]
            return stages["actionStates"][0].get("latestExecution", {}).get("token")

        return until(token, bool)

    def decide(self, status, token):
        self.client.put_approval_result(
            pipelineName=self.name,
            stageName="Decide",
            actionName="Decide",
            result={"status": status, "summary": "as I see it"},
            token=token,
        )


def until(look, satisfied):
    deadline = time.monotonic() + 30
    while not satisfied(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.03)
    return found


@pytest.fixture
def made(cloud, stack):
    """Deploys a pipeline of the given stages over one project."""

    def make(*stages, buildspec=None, pipeline_role_=None, source=VERSIONED, **more):
        build_role = role(statement("s3:GetObject", sub("${Store.Arn}/*")))
        resources = {
            "Source": source,
            "Store": BUCKET,
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "Builder": build_role,
            "Project": project(
                buildspec or spec("./say", "RESULT=well"),
                Source={"Type": "CODEPIPELINE", "BuildSpec": buildspec or spec("./say", "RESULT=well")},
                Artifacts={"Type": "CODEPIPELINE"},
            ),
            "PipelineRole": pipeline_role_ or pipeline_role(),
            "Pipeline": pipeline(*stages),
            **more,
        }
        world = World(cloud, stack(**resources).outputs)
        (first,) = world.client.list_pipeline_executions(pipelineName=world.name)["pipelineExecutionSummaries"]
        assert world.ended(first["pipelineExecutionId"]) == "Failed"  # the run that making it starts finds no object
        return world

    return make


def test_a_source_is_fetched_built_approved_and_built_again(made):
    """Each action has what the earlier ones made and said."""
    world = made(SOURCE, BUILD, APPROVE, {**BUILD, "Name": "Again", "Namespace": "Again"})
    version = world.put(say="#!/bin/sh\necho this is $VERSION\n")["VersionId"]

    execution = world.start()
    token = world.waiting("Decide", "Decide")
    assert world.execution(execution)["status"] == "InProgress"
    world.decide("Approved", token)

    assert world.ended(execution) == "Succeeded"
    actions = world.actions(execution)
    for name in ("Run", "Again"):
        assert f"this is {version}" in world.log(actions[name]["output"]["executionResult"]["externalExecutionId"])
    assert actions["Decide"]["input"]["resolvedConfiguration"]["CustomData"] == "it says well"
    (revision,) = world.execution(execution)["artifactRevisions"]
    assert revision["revisionId"] == version


def test_a_failed_build_ends_the_execution_and_says_which_command(made):
    world = made(SOURCE, BUILD, {**BUILD, "Name": "Never"}, buildspec=spec("exit_with() { return 3; }", "exit_with"))
    world.put(say="echo")

    execution = world.start()

    assert world.ended(execution) == "Failed"
    actions = world.actions(execution)
    assert set(actions) == {"Fetch", "Run"}
    error = actions["Run"]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "JobFailed"
    assert "exit_with. Reason: exit status 3" in error["message"]


@pytest.mark.parametrize(
    ("lacking", "failing"),
    [("codebuild:StartBuild", "Run"), ("s3:PutObject", "Fetch"), ("s3:GetBucketVersioning", "Fetch")],
)
def test_an_action_fails_without_the_pipeline_roles_permission(made, lacking, failing):
    world = made(SOURCE, BUILD, pipeline_role_=pipeline_role(lacking))
    world.put(say="#!/bin/sh\n")

    execution = world.start()

    assert world.ended(execution) == "Failed"
    error = world.actions(execution)[failing]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "PermissionError"
    assert lacking.replace("GetBucketVersioning", "") in error["message"] or "Denied" in error["message"]


@pytest.mark.parametrize(
    ("lacking", "code", "message"),
    [
        ("nothing", "ConfigurationError", "There is no object source.zip"),
        ("s3:ListBucket", "PermissionError", "or there is none and the role lacks s3:ListBucket"),
    ],
)
def test_without_an_object_the_source_fails_in_words(made, lacking, code, message):
    world = made(SOURCE, BUILD, pipeline_role_=pipeline_role(lacking))

    execution = world.start()

    assert world.ended(execution) == "Failed"
    error = world.actions(execution)["Fetch"]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == code
    assert message in error["message"]


def test_a_rejection_ends_the_execution_with_its_reason(made):
    world = made(SOURCE, APPROVE, BUILD)
    world.put(say="#!/bin/sh\n")

    execution = world.start()
    world.decide("Rejected", world.waiting("Decide", "Decide"))

    assert world.ended(execution) == "Failed"
    details = world.actions(execution)["Decide"]["output"]["executionResult"]["errorDetails"]
    assert details == {"code": "Rejected", "message": "as I see it"}


def test_an_approval_without_an_answer_times_out(made):
    world = made(SOURCE, {**APPROVE, "TimeoutInMinutes": 5})
    world.put(say="#!/bin/sh\n")

    execution = world.start()

    assert world.ended(execution) == "Failed"
    assert world.actions(execution)["Decide"]["output"]["executionResult"]["errorDetails"]["code"] == "ApprovalTimedOut"


def test_a_token_of_another_approval_approves_nothing(made):
    world = made(SOURCE, APPROVE)
    world.put(say="#!/bin/sh\n")
    execution = world.start()
    world.waiting("Decide", "Decide")

    with pytest.raises(ClientError, match="InvalidApprovalToken"):
        world.decide("Approved", str(uuid.uuid4()))

    assert world.execution(execution)["status"] == "InProgress"


def test_of_executions_that_wait_for_a_stage_only_the_newest_stays(made):
    world = made(SOURCE, APPROVE, BUILD)
    world.put(say="#!/bin/sh\n")
    first = world.start()
    token = world.waiting("Decide", "Decide")
    second = world.start()
    until(lambda: world.actions(second).get("Fetch", {}).get("status"), lambda status: status == "Succeeded")
    third = world.start()

    assert world.ended(second) == "Superseded"
    world.decide("Approved", token)
    assert world.ended(first) == "Succeeded"
    world.decide("Approved", until(lambda: world.waiting("Decide", "Decide"), lambda found: found != token))
    assert world.ended(third) == "Succeeded"


def test_a_stopped_execution_stops_its_build(made):
    world = made(SOURCE, BUILD, buildspec=spec("sleep 765432"))
    world.put(say="echo")
    execution = world.start()
    build_id = until(
        lambda: (
            world.actions(execution)
            .get("Run", {})
            .get("output", {})
            .get("executionResult", {})
            .get("externalExecutionId")
        ),
        bool,
    )

    world.client.stop_pipeline_execution(pipelineName=world.name, pipelineExecutionId=execution)

    assert world.ended(execution) == "Stopped"
    codebuild = world.cloud.client("codebuild")
    status = until(
        lambda: codebuild.batch_get_builds(ids=[build_id])["builds"][0]["buildStatus"],
        lambda found: found != "IN_PROGRESS",
    )
    assert status == "STOPPED"


def starts_it(allowed):
    return {
        "StarterRole": role(statement("codepipeline:StartPipelineExecution", allowed), service="events.amazonaws.com"),
        "Letters": QUEUE,
        "LettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Letters"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn_of("Letters"),
                        }
                    ],
                },
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {"bucket": {"name": [{"Ref": "Source"}]}},
                },
                "Targets": [
                    {
                        "Id": "pipeline",
                        "Arn": sub("arn:aws:codepipeline:${AWS::Region}:${AWS::AccountId}:${Pipeline}"),
                        "RoleArn": arn_of("StarterRole"),
                        "DeadLetterConfig": {"Arn": arn_of("Letters")},
                    }
                ],
            },
        },
    }


def test_an_object_that_arrives_starts_the_pipeline(made):
    """By EventBridge, in the name of the rule's role."""
    allowed = sub("arn:aws:codepipeline:${AWS::Region}:${AWS::AccountId}:${Pipeline}")
    world = made(SOURCE, BUILD, source=NOTIFYING, **starts_it(allowed))

    version = world.put(say="#!/bin/sh\n")["VersionId"]

    def mine():
        listed = world.client.list_pipeline_executions(pipelineName=world.name)["pipelineExecutionSummaries"]
        return [each for each in listed if each["trigger"]["triggerType"] == "CloudWatchEvent"]

    (execution,) = until(mine, bool)
    assert world.ended(execution["pipelineExecutionId"]) == "Succeeded"
    (revision,) = world.execution(execution["pipelineExecutionId"])["artifactRevisions"]
    assert revision["revisionId"] == version


def test_a_rule_whose_role_may_not_start_the_pipeline_starts_nothing(made):
    world = made(SOURCE, BUILD, source=NOTIFYING, **starts_it("arn:aws:codepipeline:us-east-1:000000000000:another"))

    world.put(say="#!/bin/sh\n")

    answer = world.cloud.client("sqs").receive_message(
        QueueUrl=world.outputs["Letters"], WaitTimeSeconds=10, MessageAttributeNames=["All"]
    )
    (letter,) = answer["Messages"]
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    listed = world.client.list_pipeline_executions(pipelineName=world.name)["pipelineExecutionSummaries"]
    assert [each["trigger"]["triggerType"] for each in listed] == ["CreatePipeline"]


def test_eventbridge_hears_of_pipelines_and_actions(made):
    listens = {
        "Heard": QUEUE,
        "HeardPolicy": json.loads(json.dumps(starts_it("*")["LettersPolicy"]).replace("Letters", "Heard")),
        "Listening": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.codepipeline"], "detail": {"pipeline": [{"Ref": "Pipeline"}]}},
                "Targets": [{"Id": "queue", "Arn": arn_of("Heard")}],
            },
        },
    }
    world = made(SOURCE, BUILD, buildspec=spec("false"), **listens)
    world.put(say="#!/bin/sh\n")

    execution = world.start()
    world.ended(execution)

    events = []
    while not any("Pipeline" in each["detail-type"] and each["detail"]["state"] == "FAILED" for each in events):
        answer = world.cloud.client("sqs").receive_message(
            QueueUrl=world.outputs["Heard"], WaitTimeSeconds=5, MaxNumberOfMessages=10
        )
        read = [json.loads(message["Body"]) for message in answer["Messages"]]
        events += [event for event in read if event["detail"]["execution-id"] == execution]
    told = {(each["detail-type"].split()[1], each["detail"].get("action"), each["detail"]["state"]) for each in events}
    assert {("Action", "Fetch", "SUCCEEDED"), ("Action", "Run", "FAILED"), ("Pipeline", None, "FAILED")} <= told


@pytest.mark.parametrize(
    ("stages", "named"),
    [
        ([action("Fetch", "Source", "CodeStarSourceConnection"), BUILD], "CodeStarSourceConnection is not emulated"),
        ([SOURCE], "only one stage"),
        ([SOURCE, {**BUILD, "InputArtifacts": [{"Name": "Nothing"}]}], "no earlier action's output"),
        ([SOURCE, {**APPROVE, "Configuration": {"NotificationArn": "arn:aws:sns:us-east-1:1:a"}}], "NotificationArn"),
        ([SOURCE, {**BUILD, "OutputArtifacts": [{"Name": "Made"}]}], "Output artifacts"),
        ([BUILD, SOURCE], "The first stage has source actions"),
    ],
)
def test_invalid_or_unsupported_pipelines_are_refused_at_creation(made, stages, named):
    with pytest.raises(BlueprintError, match=named):
        made(*stages)


def test_only_a_role_with_permission_starts_the_pipeline(cloud, made):
    """The base emulator's IAM stands before this service as before its own."""
    import boto3

    from tests.local.resources import client_settings

    user = f"u-{uuid.uuid4().hex[:8]}"
    world = made(SOURCE, BUILD)
    iam = cloud.client("iam")
    iam.create_user(UserName=user)
    document = {"Version": "2012-10-17", "Statement": [statement("codepipeline:GetPipelineState", world_arn(world))]}
    iam.put_user_policy(UserName=user, PolicyName="look", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    settings = client_settings(cloud) | {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    theirs = boto3.client("codepipeline", **settings)

    assert theirs.get_pipeline_state(name=world.name)["pipelineName"] == world.name
    with pytest.raises(ClientError, match="not authorized to perform: codepipeline:StartPipelineExecution"):
        theirs.start_pipeline_execution(name=world.name)


def world_arn(world):
    return f"arn:aws:codepipeline:us-east-1:000000000000:{world.name}"


def test_what_is_not_emulated_is_refused_by_name(cloud):
    with pytest.raises(ClientError, match="ListWebhooks is not emulated"):
        cloud.client("codepipeline").list_webhooks()


def test_an_update_makes_a_new_version_and_a_deleted_pipeline_is_gone(made):
    world = made(SOURCE, BUILD)
    definition = world.client.get_pipeline(name=world.name)["pipeline"]
    definition["stages"].append({"name": "Decide", "actions": [decide_action()]})

    assert world.client.update_pipeline(pipeline=definition)["pipeline"]["version"] == definition["version"] + 1
    world.client.delete_pipeline(name=world.name)
    with pytest.raises(ClientError, match="PipelineNotFound"):
        world.client.get_pipeline(name=world.name)


def decide_action():
    kind = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    return {"name": "Decide", "actionTypeId": kind}
