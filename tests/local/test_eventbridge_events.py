"""EventBridge refuses invalid events one by one; the others of the request arrive."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local.resources import QUEUE, queue_policy
from tests.local.waiting import messages


@pytest.fixture
def listening(stack):
    """A stack whose queue gets every event of the source that is the stack's name."""
    return stack(
        Queue=QUEUE,
        Policy=queue_policy("Queue", "events.amazonaws.com"),
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": [{"Ref": "AWS::StackName"}]},
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        },
    )


def test_refused_entries_are_named_and_the_others_arrive(cloud, listening):
    def entry(**given):
        named = {"Source": listening.name, "DetailType": "test", "Detail": "{}", **given}
        return {name: value for name, value in named.items() if value is not None}

    answer = cloud.client("events").put_events(
        Entries=[
            entry(Detail=json.dumps({"number": 1})),
            entry(Detail="no JSON"),
            entry(Detail="[1]"),
            entry(Detail=None),
            entry(DetailType=None),
            entry(Source=None),
            entry(Source="aws.s3"),
            entry(Detail=json.dumps({"number": 2})),
        ]
    )

    assert [each.get("ErrorCode") for each in answer["Entries"]] == [
        None,
        "MalformedDetail",
        "MalformedDetail",
        "InvalidArgument",
        "InvalidArgument",
        "InvalidArgument",
        "NotAuthorizedForSourceException",
        None,
    ]
    assert answer["FailedEntryCount"] == 6
    arrived = messages(cloud, listening.outputs["Queue"], 2)
    assert [each["body"]["detail"]["number"] for each in arrived] == [1, 2]
    assert [each["body"]["id"] for each in arrived] == [answer["Entries"][each]["EventId"] for each in (0, -1)]


def test_a_request_of_more_than_a_megabyte_is_refused(cloud):
    entry = {"Source": uuid.uuid4().hex, "DetailType": "test", "Detail": json.dumps({"text": "x" * 600_000})}
    events = cloud.client("events")

    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    with pytest.raises(ClientError, match="Total size of the entries"):
        events.put_events(Entries=[entry, entry])
