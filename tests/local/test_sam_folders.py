"""SAM folders in the style of public projects work here: their message, object or item arrives."""

import json
import shutil
import zipfile

import pytest

from blueprints.local.deployment import invocation_arn
from tests.local.sam_folders_up import FOLDERS, bring_folder_up, get
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


def test_a_built_layer_and_a_plain_one_are_beside_the_function(cloud):
    stack = bring_folder_up(cloud, "shared-layer")

    answer = cloud.invoke(invocation_arn(cloud, stack, "WordsFunction"), {}).payload

    assert answer == {"word": "hello from the layer", "six": answer["six"], "data": "red"}


def test_a_layer_may_be_a_zip_file_and_so_may_the_code(cloud, tmp_path):
    folder = tmp_path / "zipped"
    shutil.copytree(FOLDERS / "shared-layer", folder)
    packages = {
        "src.zip": {"app.py": "from words import W\n\ndef lambda_handler(e, c):\n    return W\n"},
        "layer.zip": {"python/words.py": "W = 'zipped'\n"},
    }
    for name, files in packages.items():
        with zipfile.ZipFile(folder / name, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
    template = (folder / "template.yaml").read_text()
    template = template.replace("CodeUri: src/", "CodeUri: src.zip").replace("layers/data/", "layer.zip")
    (folder / "template.yaml").write_text(template.replace("[!Ref SharedLayer, !Ref DataLayer]", "[!Ref DataLayer]"))

    stack = bring_folder_up(cloud, folder)

    assert cloud.invoke(invocation_arn(cloud, stack, "WordsFunction"), {}).payload == "zipped"


@pytest.mark.parametrize("output", ["Json", "Yaml"])
def test_a_state_machine_defined_in_a_file_runs_its_function(cloud, state_machine, output):
    client = cloud.client("stepfunctions")
    run = client.start_execution(stateMachineArn=state_machine.outputs[output], input=json.dumps({"amount": 7}))

    done = until(
        lambda: (now := client.describe_execution(executionArn=run["executionArn"]))["status"] != "RUNNING" and now
    )

    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"approved": True})


@pytest.fixture(scope="module")
def state_machine(cloud):
    return bring_folder_up(cloud, "state-machine")


def test_nested_local_templates_are_packaged_with_their_functions(cloud):
    stack = bring_folder_up(cloud, "nested-stacks")

    assert not cloud.invoke(stack.outputs["Function"], {"note": "remember"}).failed

    stored = cloud.client("s3").get_object(Bucket=stack.outputs["Bucket"], Key="note.txt")
    assert stored["Body"].read() == b"remember"


def test_api_definitions_in_files_answer(cloud):
    stack = bring_folder_up(cloud, "api-definition")

    assert get(stack.outputs["HttpUrl"]).body == ["cat", "dog"]
    assert get(stack.outputs["RestUrl"]).body == {"healthy": True}


def test_a_schedule_runs_its_function(cloud):
    stack = bring_folder_up(cloud, "cron")
    table = cloud.client("dynamodb")

    items = until(lambda: table.scan(TableName=stack.outputs["Table"])["Items"])

    assert items == [{"id": {"S": "Scheduled Event"}}]


def test_a_worker_handles_the_messages_of_its_queue(cloud):
    stack = bring_folder_up(cloud, "queue-worker")

    cloud.client("sqs").send_message(QueueUrl=stack.outputs["Queue"], MessageBody='{"id": "o-1", "item": "hat"}')

    scan = cloud.client("dynamodb").scan
    assert until(lambda: scan(TableName=stack.outputs["Table"])["Items"]) == [
        {"id": {"S": "o-1"}, "item": {"S": "hat"}}
    ]


def test_an_upload_is_processed_into_another_bucket(cloud):
    stack = bring_folder_up(cloud, "s3-copies")
    s3 = cloud.client("s3")

    for name in ("note.bin", "note.txt"):
        s3.put_object(Bucket=stack.outputs["Uploads"], Key=name, Body=b"quiet")

    copies = until(lambda: s3.list_objects_v2(Bucket=stack.outputs["Copies"]).get("Contents"))
    assert [each["Key"] for each in copies] == ["note.txt"]
    assert s3.get_object(Bucket=stack.outputs["Copies"], Key="note.txt")["Body"].read() == b"QUIET"


def test_changes_of_a_table_are_announced(cloud):
    stack = bring_folder_up(cloud, "table-stream")

    cloud.client("dynamodb").put_item(TableName=stack.outputs["Table"], Item={"id": {"S": "ada"}})

    assert taken(cloud, stack.outputs["Inbox"]) == ["INSERT ada"]


def test_requirements_without_versions_run_under_a_name_that_is_no_stack_name(cloud):
    stack = bring_folder_up(cloud, "my_unpinned.app", {"Greeting": "hi"})

    assert cloud.invoke(invocation_arn(cloud, stack, "HelloFunction"), {}).payload == {"said": "hi", "requests": "2"}
    assert stack.name.startswith("my-unpinned-app-")
