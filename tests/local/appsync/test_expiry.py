"""API keys and tokens of user pools are accepted until the second at which they expire."""

import base64
import json

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.services.appsync.authorization import Authentication, cognito_tokens
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import Unauthorized

EXPIRES = 2_000_000_000
POOL = {"userPoolId": "us-east-1_abc", "awsRegion": "us-east-1", "defaultAction": "ALLOW"}


def api(**record):
    return GraphqlApi(
        api_id="abc",
        account="000000000000",
        region="us-east-1",
        record=record,
        schema="",
        resolvers={},
        data_sources={},
        functions={},
        api_keys=({"id": "da2-key", "expires": EXPIRES},),
    )


def authenticate(now, api, headers):
    authentication = Authentication("http://127.0.0.1:1", Clock(), lambda: now)
    return authentication.authenticate(api, headers, path="/", body=b"", operation=None)


def test_a_key_is_refused_from_the_second_at_which_it_expires():
    keyed = api(authenticationType="API_KEY")
    headers = {"x-api-key": "da2-key"}

    assert authenticate(EXPIRES - 0.5, keyed, headers).mode == "API_KEY"
    for late in (EXPIRES, EXPIRES + 1):
        with pytest.raises(Unauthorized, match="You are not authorized to make this call"):
            authenticate(late, keyed, headers)


def token(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
    return f"{part({'alg': 'RS256'})}.{part({'iss': issuer, 'token_use': 'access', **claims})}.c2ln"


class TestTokens:
    @pytest.fixture(autouse=True)
    def with_good_signatures(self, monkeypatch):
        """Only the claims decide here; other tests forge signatures."""
        monkeypatch.setattr(cognito_tokens, "POOL", Always(lambda pool_id: {}))
        monkeypatch.setattr(cognito_tokens, "SIGNATURE_VALID", Always(lambda token: True))

    def authenticate(self, now, **claims):
        users = api(authenticationType="AMAZON_COGNITO_USER_POOLS", userPoolConfig=POOL)
        return authenticate(now, users, {"authorization": token(**claims)})

    def test_accepted_until_they_expire(self):
        assert self.authenticate(EXPIRES - 0.5, exp=EXPIRES).mode == "AMAZON_COGNITO_USER_POOLS"

    @pytest.mark.parametrize("claims", [{"exp": EXPIRES}, {}, {"exp": "soon"}, {"exp": True}, {"exp": None}])
    def test_refused_from_then_on_and_without_a_time(self, claims):
        with pytest.raises(Unauthorized, match=r"Token has expired\."):
            self.authenticate(EXPIRES, **claims)

    @pytest.mark.parametrize("use", ["refresh", "", None, "ID"])
    def test_refused_for_another_use(self, use):
        with pytest.raises(Unauthorized, match="not authorized"):
            self.authenticate(EXPIRES - 1, exp=EXPIRES, token_use=use)


class Always:
    """An internal of the base emulator that is always the same function."""

    def __init__(self, function):
        self.function = function

    def current(self):
        return self.function
