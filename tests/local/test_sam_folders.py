"""SAM folders as the public writes them work here: judged by the message, object or item that comes out."""

import json

from tests.local.sam_folders_up import bring_folder_up
from tests.local.waiting import until


def taken(cloud, queue_url, count=1):
    """The bodies of messages in a queue, removed, as soon as there are that many."""
    sqs, bodies = cloud.client("sqs"), []

    def enough():
        for message in sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
        return len(bodies) >= count

    until(enough)
    return bodies


def test_rules_on_a_custom_bus_reach_their_targets(cloud):
    stack = bring_folder_up(cloud, "custom-bus")
    entry = {"Source": "shop", "DetailType": "Order placed", "Detail": json.dumps({"order": "no. 7"})}

    cloud.client("events").put_events(Entries=[{**entry, "EventBusName": stack.outputs["Bus"]}, entry])

    assert taken(cloud, stack.outputs["Shipments"]) == ["no. 7"]
    assert [json.loads(each)["source"] for each in taken(cloud, stack.outputs["Audit"])] == ["shop"]
