"""Rules, schedules, pipes and APIs start state machines and their aliases, with the permissions of their role."""

import json

import pytest

from blueprints.local.base.delivery import Delivery, under_way
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.event_targets import event_target
from tests.local.building import role
from tests.local.resources import QUEUE, queue_policy
from tests.local.sam_folders_up import request
from tests.local.stepfunctions.machines import Stacks, ended, machine, passing, version
from tests.local.waiting import messages, until

EVENTS = "events.amazonaws.com"
ALIAS = {
    "Type": "AWS::StepFunctions::StateMachineAlias",
    "Properties": {
        "Name": "live",
        "RoutingConfiguration": [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": 100}],
    },
}
ECHO = {"StartAt": "Give", "States": {"Give": {"Type": "Succeed"}}}


def starting(resource, action="states:StartExecution"):
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def rule(source, target_arn, role_id="Starter", **target):
    properties = {
        "EventPattern": {"source": [source]},
        "Targets": [
            {
                "Id": "machine",
                "Arn": target_arn,
                "RoleArn": {"Fn::GetAtt": [role_id, "Arn"]},
                "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
                **target,
            }
        ],
    }
    return {"Type": "AWS::Events::Rule", "Properties": properties}


def dead_letters():
    return {"DeadLetters": QUEUE, "Policy": queue_policy("DeadLetters", EVENTS)}


def put(cloud, source, detail):
    entry = {"Source": source, "DetailType": "test", "Detail": json.dumps(detail)}
    (answer,) = cloud.client("events").put_events(Entries=[entry])["Entries"]
    return answer["EventId"]


def started(cloud, arn, number=1):
    """The executions of a state machine, once there are that many."""
    states = cloud.client("stepfunctions")

    def look():
        found = states.list_executions(stateMachineArn=arn)["executions"]
        return found if len(found) >= number else None

    return [ended(cloud, each["executionArn"]) for each in until(look)]


@pytest.fixture
def stacks(cloud):
    return Stacks(cloud)


def test_a_rule_starts_the_alias(cloud, stacks):
    """The execution belongs to the alias and its version, although the machine was changed since."""
    source = stacks.name
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Version=version("Machine"),
        Alias=ALIAS,
        Starter=role(starting({"Ref": "Alias"}), service=EVENTS),
        Rule=rule(source, {"Ref": "Alias"}),
        **dead_letters(),
    )
    arn = deployed.outputs["Machine"]
    cloud.client("stepfunctions").update_state_machine(stateMachineArn=arn, definition=json.dumps(passing("newer")))

    event_id = put(cloud, source, {"a": 1})

    (execution,) = started(cloud, arn)
    assert execution["stateMachineAliasArn"] == f"{arn}:live"
    assert execution["output"]["detail"] == {"a": 1}
    assert execution["output"]["id"] == event_id
    assert execution["name"].startswith(event_id)


def test_a_permission_on_the_machine_is_one_on_its_aliases(cloud, stacks):
    """Unless a condition names other versions or aliases."""
    source = stacks.name
    elsewhere = {
        **starting({"Ref": "Machine"}),
        "Condition": {"StringEquals": {"states:StateMachineQualifier": "other"}},
    }
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Version=version("Machine"),
        Alias=ALIAS,
        Starter=role(starting({"Ref": "Machine"}), service=EVENTS),
        Refused=role(elsewhere, service=EVENTS),
        Rule=rule(source, {"Ref": "Alias"}),
        RefusedRule=rule(source, {"Ref": "Alias"}, "Refused"),
        **dead_letters(),
    )
    put(cloud, source, {})

    (letter,) = messages(cloud, deployed.outputs["DeadLetters"])
    (execution,) = started(cloud, deployed.outputs["Machine"])
    assert letter["attributes"]["ERROR_CODE"] == "NO_PERMISSIONS"
    assert execution["stateMachineAliasArn"] == deployed.outputs["Alias"]


@pytest.mark.parametrize(
    ("target", "given"),
    [
        ({"Input": '{"fixed": true}'}, {"fixed": True}),
        ({"InputPath": "$.detail.order"}, {"id": 7}),
        (
            {"InputTransformer": {"InputPathsMap": {"id": "$.detail.order.id"}, "InputTemplate": '{"order": <id>}'}},
            {"order": 7},
        ),
    ],
    ids=["Input", "InputPath", "InputTransformer"],
)
def test_a_machine_gets_the_input_that_the_target_makes(cloud, stacks, target, given):
    source = stacks.name
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Starter=role(starting({"Ref": "Machine"}), service=EVENTS),
        Rule=rule(source, {"Ref": "Machine"}, **target),
        **dead_letters(),
    )
    put(cloud, source, {"order": {"id": 7}})

    (execution,) = started(cloud, deployed.outputs["Machine"])
    assert execution["output"] == given


@pytest.mark.parametrize(
    "starter",
    [
        role(starting({"Ref": "Machine"}, "states:StopExecution"), service=EVENTS),
        role(starting({"Ref": "Machine"}), service="lambda.amazonaws.com"),
    ],
    ids=["without permission", "without trust"],
)
def test_a_role_that_may_not_start_it_sends_the_event_to_the_dead_letters(cloud, stacks, starter):
    source = stacks.name
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Starter=starter,
        Rule=rule(source, {"Ref": "Machine"}),
        **dead_letters(),
    )
    put(cloud, source, {"a": 1})

    (letter,) = messages(cloud, deployed.outputs["DeadLetters"])
    assert letter["attributes"]["ERROR_CODE"] == "NO_PERMISSIONS"
    assert letter["body"]["detail"] == {"a": 1}
    executions = cloud.client("stepfunctions").list_executions(stateMachineArn=deployed.outputs["Machine"])
    assert executions["executions"] == []


def test_a_machine_that_is_gone_sends_the_event_to_the_dead_letters(cloud, stacks):
    source = stacks.name
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Starter=role(starting({"Ref": "Machine"}), service=EVENTS),
        Rule=rule(source, {"Ref": "Machine"}),
        **dead_letters(),
    )
    cloud.client("stepfunctions").delete_state_machine(stateMachineArn=deployed.outputs["Machine"])
    put(cloud, source, {})

    (letter,) = messages(cloud, deployed.outputs["DeadLetters"])
    assert letter["attributes"]["ERROR_CODE"] == "NO_RESOURCE"


@pytest.mark.parametrize("named", ["Alias", "Machine"])
def test_a_schedule_starts_the_alias(cloud, stacks, named):
    """In its own role, with its input; the role may name the alias or the machine."""
    schedule = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "ScheduleExpression": "rate(1 minute)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Ref": "Alias"},
                "RoleArn": {"Fn::GetAtt": ["Starter", "Arn"]},
                "Input": '{"from": "schedule"}',
            },
        },
    }
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Version=version("Machine"),
        Alias=ALIAS,
        Starter=role(starting({"Ref": named}), service="scheduler.amazonaws.com"),
        Schedule=schedule,
    )

    execution, *_ = started(cloud, deployed.outputs["Machine"])
    assert execution["stateMachineAliasArn"].endswith(":live")
    assert execution["output"] == {"from": "schedule"}
    cloud.client("scheduler").delete_schedule(Name=deployed.outputs["Schedule"])


TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    },
}
PIPE = {
    "Type": "AWS::Pipes::Pipe",
    "Properties": {
        "RoleArn": {"Fn::GetAtt": ["Starter", "Arn"]},
        "Source": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "SourceParameters": {"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}},
        "Target": {"Ref": "Machine"},
        "TargetParameters": {"StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"}},
    },
}


def test_a_pipe_keeps_its_records_until_its_role_may_start_the_machine(cloud, stacks):
    """The refusal is named once; nothing is lost."""
    resources = {"Machine": machine(Definition=ECHO), "Table": TABLE, "Pipe": PIPE}
    reading = starting("*", "dynamodb:*")
    may_not = role(starting({"Ref": "Machine"}, "states:StopExecution"), reading, service="pipes.amazonaws.com")
    deployed = stacks(**resources, Starter=may_not)
    cloud.client("dynamodb").put_item(TableName=deployed.outputs["Table"], Item={"id": {"S": "n1"}})
    refusal = f"cannot start {deployed.outputs['Machine']}"
    until(lambda: refusal in cloud.server_log())

    stacks(**resources, Starter=role(starting({"Ref": "Machine"}), reading, service="pipes.amazonaws.com"))

    execution, *_ = started(cloud, deployed.outputs["Machine"])
    assert execution["output"][0]["dynamodb"]["NewImage"] == {"id": {"S": "n1"}}
    assert cloud.server_log().count(refusal) == 1


def test_a_pipe_starts_the_machine_with_messages_of_a_queue(cloud, stacks):
    reading = starting("*", "sqs:*")
    deployed = stacks(
        Machine=machine(Definition=ECHO),
        Queue={"Type": "AWS::SQS::Queue"},
        Pipe={
            **PIPE,
            "Properties": {
                "RoleArn": {"Fn::GetAtt": ["Starter", "Arn"]},
                "Source": {"Fn::GetAtt": ["Queue", "Arn"]},
                "Target": {"Ref": "Machine"},
            },
        },
        Starter=role(starting({"Ref": "Machine"}), reading, service="pipes.amazonaws.com"),
    )
    cloud.client("sqs").send_message(QueueUrl=deployed.outputs["Queue"], MessageBody="n1")

    execution, *_ = started(cloud, deployed.outputs["Machine"])

    assert [each["body"] for each in execution["output"]] == ["n1"]


def test_an_api_waits_for_an_express_execution(cloud, stacks):
    """StartSyncExecution, whose output the response template picks."""
    template = '{"input": "$util.escapeJavaScript($input.json(\'$\'))", "stateMachineArn": "${Machine}"}'
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:states:action/StartSyncExecution"},
        "credentials": {"Fn::GetAtt": ["Starter", "Arn"]},
        "requestTemplates": {"application/json": {"Fn::Sub": template}},
        "responses": {
            "default": {"statusCode": "200", "responseTemplates": {"application/json": "$input.path('$.output')"}}
        },
    }
    method = {"x-amazon-apigateway-integration": integration, "responses": {"200": {"description": "done"}}}
    body = {"swagger": "2.0", "info": {"title": "run", "version": "1"}, "paths": {"/run": {"post": method}}}
    deployed = stacks(
        Machine=machine(Definition=ECHO, StateMachineType="EXPRESS"),
        Starter=role(starting({"Ref": "Machine"}, "states:StartSyncExecution"), service="apigateway.amazonaws.com"),
        Api={"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "run", "Body": body}},
        Deployment={
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "live"},
        },
    )
    url = f"{cloud.endpoint}/restapis/{deployed.outputs['Api']}/live/_user_request_/run"

    answer = request("POST", url, body=json.dumps({"n": [1, "ä"]}))

    assert (answer.status, answer.body) == (200, {"n": [1, "ä"]})


def test_every_attempt_of_a_delivery_has_the_same_name():
    """So that a STANDARD machine starts once, although the first attempt failed after it had started."""
    started_as = []

    def start(given):
        started_as.append(given["name"])
        if len(started_as) == 1:
            raise ServiceError("ExecutionLimitExceeded", "too many")

    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:orders"
    delivery = Delivery(arn, "arn:aws:scheduler:us-east-1:000000000000:schedule/default/often", b"{}")
    deliver = event_target(start)
    outcomes = []
    for _ in range(2):
        delivery.error_code = None
        token = under_way.set(delivery)
        deliver({"Arn": arn}, {"id": "e-1"}, {})
        under_way.reset(token)
        outcomes.append((delivery.error_code, delivery.final))

    assert outcomes == [("THROTTLING", False), (None, False)]
    assert len(set(started_as)) == 1
    assert started_as[0].startswith("e-1_")
