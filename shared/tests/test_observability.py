"""Logs and metrics as lines of JSON."""

import json

from blueprints_shared.observability import Logger, Metrics, MetricUnit


def test_a_metric_is_written_as_emf(capsys, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    metrics = Metrics(namespace="Tests")
    metrics.add_metric("Rendered", MetricUnit.Count, 2)
    metrics.flush_metrics()
    written = json.loads(capsys.readouterr().out)
    assert written["Rendered"] == [2.0]
    assert written["service"] == "stack"
    assert written["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Tests"


def test_a_log_line_is_json(capsys, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    Logger(service="observability-test").info("settled", extra={"key": "写真.jpg"})
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["key"], line["service"]) == ("settled", "写真.jpg", "observability-test")
