"""Clients give up in time."""

from blueprints_shared.clients import client


def test_a_client_is_bounded(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    s3 = client("s3", read_timeout=7, attempts=2)
    config = s3.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 7)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
