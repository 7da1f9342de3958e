"""EventBridge Scheduler calls targets with the permissions of the schedule's role."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from tests.local.cloudwatch.reading import total
from tests.local.resources import QUEUE, ROLE
from tests.local.waiting import until


def role(*queues, service="scheduler.amazonaws.com"):
    """A role that the service may assume, and that may send to queues of the stack."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    properties = {"AssumeRolePolicyDocument": document}
    if queues:
        arns = [{"Fn::GetAtt": [queue, "Arn"]} for queue in queues]
        send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arns}
        policy = {"PolicyName": "send", "PolicyDocument": {"Version": "2012-10-17", "Statement": [send]}}
        properties["Policies"] = [policy]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def schedule(role, **target):
    """A schedule that is due at once."""
    now = datetime.now(UTC) - timedelta(seconds=1)
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "ScheduleExpression": f"at({now:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "RoleArn": {"Fn::GetAtt": [role, "Arn"]},
                "Input": json.dumps({"by": role}),
                **target,
            },
        },
    }


def bodies(cloud, queue):
    received = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(each["Body"]) for each in received]


def test_only_the_role_that_may_delivers_and_the_rest_goes_to_the_dead_letters(cloud, stack):
    dead = {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}
    deployed = stack(
        Queue=QUEUE,
        Dead=QUEUE,
        May=role("Queue"),
        MayNot=role("Dead"),
        Allowed=schedule("May"),
        Refused=schedule("MayNot", **dead),
    )

    assert until(lambda: bodies(cloud, deployed.outputs["Dead"])) == [{"by": "MayNot"}]
    assert until(lambda: bodies(cloud, deployed.outputs["Queue"])) == [{"by": "May"}]
    group = {"ScheduleGroup": "default"}
    assert total(cloud, "InvocationAttemptCount", "AWS/Scheduler", **group) >= 2
    assert total(cloud, "TargetErrorCount", "AWS/Scheduler", **group) >= 1
    assert total(cloud, "InvocationDroppedCount", "AWS/Scheduler", **group) >= 1
    until(lambda: total(cloud, "InvocationsSentToDeadLetterCount", "AWS/Scheduler", **group))


def test_the_queues_policy_may_deny_what_the_role_may(cloud, stack):
    dead = {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}
    denial = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    only = {"Condition": {"ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["Denied", "Arn"]}}}}
    policy = {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [denial | only]}}
    deployed = stack(
        Queue=QUEUE,
        Dead=QUEUE,
        Denied=role("Queue", "Dead"),
        Policy={"Type": "AWS::SQS::QueuePolicy", "Properties": policy},
        Refused={**schedule("Denied", **dead), "DependsOn": "Policy"},
    )

    assert until(lambda: bodies(cloud, deployed.outputs["Dead"])) == [{"by": "Denied"}]
    assert bodies(cloud, deployed.outputs["Queue"]) == []


def test_a_role_that_does_not_trust_the_scheduler_is_refused(cloud, stack):
    with pytest.raises(BlueprintError, match="must allow AWS EventBridge Scheduler to assume the role"):
        stack(Queue=QUEUE, Schedule=schedule("Role"))

    deployed = stack(Role=ROLE)
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        cloud.client("scheduler").create_schedule(
            Name="refused",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:sqs:us-east-1:000000000000:any",
                "RoleArn": f"arn:aws:iam::000000000000:role/{deployed.outputs['Role']}",
            },
        )


def test_a_role_is_named_with_its_path(cloud, stack):
    made = role("Queue")
    made["Properties"]["Path"] = "/team/"
    name = stack(Queue=QUEUE, Role=made).outputs["Role"]
    scheduler = cloud.client("scheduler")

    def make(path):
        arn = f"arn:aws:iam::000000000000:role{path}{name}"
        target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:any", "RoleArn": arn}
        settings = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
        scheduler.create_schedule(Name=name, Target=target, State="DISABLED", **settings)

    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        make("/")
    make("/team/")


def test_a_templates_schedule_keeps_its_time_zone(cloud, stack):
    later = schedule("May")
    later["Properties"] |= {"ScheduleExpression": "cron(0 6 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"}
    deployed = stack(Queue=QUEUE, May=role("Queue"), Schedule=later)

    described = cloud.client("scheduler").get_schedule(Name=deployed.outputs["Schedule"])

    assert described["ScheduleExpressionTimezone"] == "Europe/Berlin"
