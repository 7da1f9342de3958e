"""Metrics of AWS/AppSync, by the id of the API: requests over HTTP, and connections."""

import time

import pytest

from tests.local.appsync.graphql_apis import Api, deploy_api, resolver
from tests.local.appsync.realtime.web_socket import web_socket
from tests.local.waiting import until

SCHEMA = """
type Query { ready: Boolean }
type Mutation { touch(id: ID!): Thing }
type Subscription { onTouch: Thing @aws_subscribe(mutations: ["touch"]) }
type Thing { id: ID! }
"""
SOURCE = "def handler(event, context): return event['arguments']"


@pytest.fixture(scope="module")
def api(cloud) -> Api:
    return deploy_api(cloud, SCHEMA, SOURCE, Touch=resolver("Mutation", "touch"))


def statistics(api: Api, metric: str) -> tuple[float, float]:
    """How often a metric was recorded, and its sum."""
    points = api.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/AppSync",
        MetricName=metric,
        Dimensions=[{"Name": "GraphQLAPIId", "Value": api.api_id}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=86400,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    return sum(each["SampleCount"] for each in points), sum(each["Sum"] for each in points)


def test_requests_count_by_their_status(api):
    assert api.ask("{ ready }").status == 200
    assert api.ask("{ ready }", {"x-api-key": "da2-wrong"}).status == 401
    assert api.send(b"{").status == 400

    count, milliseconds = statistics(api, "Latency")
    assert count == 3
    assert 0 < milliseconds < 60_000
    assert statistics(api, "4XXError") == (3, 2)
    assert statistics(api, "5XXError") == (3, 0)


def test_connections_subscriptions_and_events_count(api):
    with web_socket(api.cloud, api.api_id, {"host": "localhost", "x-api-key": api.key}) as socket:
        assert socket.hear()["type"] == "connection_ack"
        socket.start("1", "subscription { onTouch { id } }")
        assert socket.hear()["type"] == "start_ack"
        api.ask('mutation { touch(id: "a") { id } }')
        assert socket.hear()["type"] == "data"
        for name in ("ConnectSuccess", "SubscribeSuccess"):
            assert statistics(api, name)[1] == 1, name
        until(lambda: statistics(api, "PublishDataMessageSuccess")[1] == 1)
        assert statistics(api, "PublishDataMessageSize")[1] > 0
        assert statistics(api, "ActiveConnections")[1] == 1
        assert statistics(api, "ActiveSubscriptions")[1] == 1

    until(lambda: statistics(api, "DisconnectSuccess")[1] == 1)


def test_an_alarm_on_refused_requests_rings(api):
    client = api.cloud.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=f"refused-{api.api_id}",
        Namespace="AWS/AppSync",
        MetricName="4XXError",
        Dimensions=[{"Name": "GraphQLAPIId", "Value": api.api_id}],
        Statistic="Sum",
        Period=86400,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )

    def rings() -> bool:
        assert api.ask("{ ready }", {"x-api-key": "da2-wrong"}).status == 401
        (alarm,) = client.describe_alarms(AlarmNames=[f"refused-{api.api_id}"])["MetricAlarms"]
        return bool(alarm["StateValue"] == "ALARM")

    until(rings)
