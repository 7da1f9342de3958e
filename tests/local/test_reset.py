"""After a reset, nothing of the old account acts on the new one, whatever was under way."""

import json
import threading
import time
from collections.abc import Iterator

import pytest

from blueprints.local.cloud import Cloud
from tests.local import trace as traces
from tests.local.building import project, role, spec
from tests.local.resources import ROLE, function_resource
from tests.local.waiting import until

WORK = """
    import json
    def handler(event, context):
        leave(event["account"] + " ")
        if event["account"] == "old":
            import time
            time.sleep(event["seconds"])
            raise RuntimeError("to be tried again")
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(time_scale=600) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(cloud: Cloud) -> None:
    cloud.reset()


@pytest.fixture
def trace() -> Iterator[traces.Trace]:
    with traces.tracing() as found:
        yield found


def deploy(cloud: Cloud, **resources: object) -> None:
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(
        StackName="same", TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="same", WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})


def function(trace: traces.Trace) -> dict[str, object]:
    """A function that has the same name in the old and in the new account."""
    source = traces.LEAVE + "\n".join(line.removeprefix("    ") for line in WORK.splitlines())
    return function_resource(source, FunctionName="work", Environment={"Variables": {"TRACE": trace.url}})


@pytest.mark.parametrize("seconds", [0, 5], ids=["waiting for a retry", "running"])
def test_events_of_the_old_account_do_not_reach_a_function_of_the_same_name(cloud, trace, seconds):
    deploy(cloud, Role=ROLE, Function=function(trace))
    invoke = cloud.client("lambda").invoke
    for _ in range(30):  # more than run at once
        payload = json.dumps({"account": "old", "seconds": seconds}).encode()
        invoke(FunctionName="work", InvocationType="Event", Payload=payload)
    until(trace.read)

    cloud.reset()
    before = trace.read_all()
    deploy(cloud, Role=ROLE, Function=function(trace))
    invoke(FunctionName="work", InvocationType="Event", Payload=b'{"account": "new"}')

    until(lambda: "new" in trace.read())
    time.sleep(0.5)  # a retry comes within 0.2 s
    assert trace.read().removeprefix(before) == "new "


def test_an_invocation_that_a_reset_ends_leaves_no_log(cloud, trace):
    deploy(cloud, Role=ROLE, Function=function(trace))
    payload = json.dumps({"account": "old", "seconds": 30}).encode()
    for _ in range(3):
        cloud.client("lambda").invoke(FunctionName="work", InvocationType="Event", Payload=payload)
    until(trace.read)

    cloud.reset()

    time.sleep(0.3)  # the invocations have ended by now
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []


def test_builds_that_a_reset_ends_run_no_command(cloud, trace):
    say = f"python -c \"import urllib.request as u; u.urlopen('{trace.url}', data=b'built')\""
    deploy(cloud, Builder=role(), Logs={"Type": "AWS::Logs::LogGroup"}, Project=project(spec(say), Name="same"))
    for _ in range(4):
        cloud.client("codebuild").start_build(projectName="same")

    cloud.reset()

    before = trace.read_all()
    time.sleep(1.0)  # the builds would have begun by now
    assert trace.read() == before
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []
    assert "did not run to its end" not in cloud.server_log()


def test_two_resets_at_once_both_empty_the_account(cloud):
    for _ in range(5):
        cloud.client("s3").create_bucket(Bucket="some-bucket")
        failures: list[BaseException] = []

        def reset(failures: list[BaseException] = failures) -> None:
            try:
                cloud.reset()
            except BaseException as error:  # noqa: BLE001 - asserted below
                failures.append(error)

        threads = [threading.Thread(target=reset) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert failures == []
        assert cloud.client("s3").list_buckets()["Buckets"] == []
