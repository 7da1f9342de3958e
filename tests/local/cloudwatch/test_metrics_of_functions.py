"""AWS/Lambda by function, alias and version, for every kind of invocation; metrics in the functions' logs."""

import json
import time

import pytest

from blueprints.local.services.cloudwatch.embedded_metrics import metrics_of
from tests.local.cloudwatch.reading import total
from tests.local.event_sources import HANDLER, MAY_READ, STREAM, mapping, on_failure, put
from tests.local.resources import QUEUE, aliased, function_resource
from tests.local.waiting import until

FAILING_ONCE = """
    def handler(event, context):
        if event.get("fail"):
            raise RuntimeError("failed")
"""


def test_invocations_count_by_function_and_by_alias(cloud, stack):
    outputs = stack(**aliased("Function", FAILING_ONCE)).outputs
    name, client = outputs["Function"], cloud.client("lambda")
    client.invoke(FunctionName=name, Payload=b'{"fail": true}')
    client.invoke(FunctionName=name, Qualifier="live", Payload=b"{}")
    client.invoke(FunctionName=name, Qualifier="live", Payload=b'{"fail": true}')

    by_function, by_alias = {"FunctionName": name}, {"FunctionName": name, "Resource": f"{name}:live"}

    assert (total(cloud, "Invocations", **by_function), total(cloud, "Invocations", **by_alias)) == (3, 2)
    assert (total(cloud, "Errors", **by_function), total(cloud, "Errors", **by_alias)) == (2, 1)
    assert total(cloud, "Throttles", **by_function) == 0
    assert total(cloud, "Duration", statistic="Maximum", **by_alias) > 0
    assert total(cloud, "ConcurrentExecutions", statistic="Maximum", **by_alias) == 1
    assert total(cloud, "Invocations", **by_alias, ExecutedVersion="1") == 2


def test_a_throttle_is_neither_an_invocation_nor_an_error(cloud, stack):
    name = stack(Function=function_resource(FAILING_ONCE, ReservedConcurrentExecutions=0)).outputs["Function"]
    client = cloud.client("lambda")
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=name)

    assert total(cloud, "Throttles", FunctionName=name) >= 1
    assert total(cloud, "Invocations", FunctionName=name) is None
    assert total(cloud, "Errors", FunctionName=name) is None


def test_versions_of_a_weighted_alias_count_apart(cloud, stack):
    outputs = stack(**aliased("Function", FAILING_ONCE)).outputs
    name, client = outputs["Function"], cloud.client("lambda")
    client.update_function_configuration(FunctionName=name, Description="second")
    second = client.publish_version(FunctionName=name)["Version"]
    weights = {"AdditionalVersionWeights": {second: 0.5}}
    client.update_alias(FunctionName=name, Name="live", RoutingConfig=weights)
    executed = [client.invoke(FunctionName=name, Qualifier="live")["ExecutedVersion"] for _ in range(20)]

    for version in ("1", second):
        by_version = {"FunctionName": name, "Resource": f"{name}:live", "ExecutedVersion": version}
        assert (total(cloud, "Invocations", **by_version) or 0) == executed.count(version)


def test_asynchronous_events_count_each_try_and_each_loss(cloud, stack):
    outputs = stack(
        Queue=QUEUE,  # the role may not send to it
        Function=function_resource(FAILING_ONCE, DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}}),
    ).outputs
    name = outputs["Function"]
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"fail": true}')

    until(lambda: total(cloud, "DeadLetterErrors", FunctionName=name) == 1)
    assert total(cloud, "Invocations", FunctionName=name) == 3
    assert total(cloud, "Errors", FunctionName=name) == 3
    assert total(cloud, "AsyncEventsReceived", FunctionName=name) == 1
    assert total(cloud, "AsyncEventsDropped", FunctionName=name) == 1
    assert total(cloud, "AsyncEventAge", statistic="Maximum", FunctionName=name) >= 60_000


def test_a_stream_has_an_age_and_what_it_gives_up_is_counted(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        Function=function_resource(HANDLER),
        Mapping=mapping(MaximumRetryAttempts=1, **on_failure({"Fn::GetAtt": ["Queue", "Arn"]})),
    )
    name, mapping_id = deployed.outputs["Function"], deployed.outputs["Mapping"]
    put(cloud, deployed, "raise")

    given_up = {"EventSourceMappingUUID": mapping_id}
    until(lambda: total(cloud, "OnFailureDestinationDeliveredEventCount", **given_up) == 1)
    assert total(cloud, "Errors", FunctionName=name) == 2
    assert total(cloud, "IteratorAge", statistic="Maximum", FunctionName=name, Resource=name) > 0


def test_deliveries_to_destinations_that_fail_are_counted_by_function(cloud, stack):
    to_queue = on_failure({"Fn::GetAtt": ["Queue", "Arn"]})
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        Function=function_resource(HANDLER),
        Other=function_resource(FAILING_ONCE),
        Settings={
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Other"},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
                **to_queue,
            },
        },
        Mapping=mapping(MaximumRetryAttempts=0, **to_queue),
    )
    cloud.client("sqs").delete_queue(QueueUrl=deployed.outputs["Queue"])
    put(cloud, deployed, "raise")
    other = deployed.outputs["Other"]
    cloud.client("lambda").invoke(FunctionName=other, InvocationType="Event", Payload=b'{"fail": true}')

    for name in (deployed.outputs["Function"], other):
        until(lambda name=name: total(cloud, "DestinationDeliveryFailures", FunctionName=name) == 1)


def test_printed_metrics_count(cloud, stack):
    line = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Shop",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "Orders", "Unit": "Count"}, {"Name": "Prices"}],
                }
            ],
        },
        "service": "checkout",
        "Orders": 2,
        "Prices": [1.5, 2.5],
    }
    source = f"""
    def handler(event, context):
        print({json.dumps(line)!r})
    """
    name = stack(Function=function_resource(source)).outputs["Function"]
    cloud.client("lambda").invoke(FunctionName=name)
    cloud.client("lambda").invoke(FunctionName=name)

    assert total(cloud, "Orders", "Shop", service="checkout") == 4
    assert total(cloud, "Prices", "Shop", service="checkout") == 8


@pytest.mark.parametrize(
    "line",
    [
        'no JSON "_aws"',
        '["_aws"]',
        '{"_aws": 1}',
        '{"_aws": {}}',
        '{"_aws": {"CloudWatchMetrics": [{"Dimensions": [["gone"]], "Metrics": [{"Name": "m"}]}]}, "m": 1}',
        '{"_aws": {"CloudWatchMetrics": [{"Namespace": "N", "Metrics": [{"Name": "m"}]}]}, "m": "text"}',
    ],
)
def test_a_line_without_values_makes_no_metric(line):
    assert list(metrics_of(line)) == []
