"""Tokens of an issuer of OpenID Connect, which serves its keys on this machine."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.local.appsync.test_authorization import (
    EXPIRED,
    NO_HEADER,
    NOT_AUTHORIZED,
    NOT_PARSED,
    YES,
    ask,
    code,
    deploy_api,
    refused,
)
from tests.local.appsync.user_pools import tampered, unsigned

SCHEMA = """type Query {
  open: String
  oidc: String @aws_oidc
  key: String @aws_api_key
  whoami: AWSJSON @aws_oidc
}"""
FIELDS = {**dict.fromkeys(("open", "oidc", "key"), YES), "whoami": code(result="ctx.identity")}


def encoded(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Issuer:
    """Signs tokens, and serves its configuration and its keys."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = []
        issuer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                is_configuration = self.path.endswith("/.well-known/openid-configuration")
                answer = {"jwks_uri": f"{issuer.url}/keys"} if is_configuration else {"keys": [issuer.public()]}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def public(self):
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": "one",
            "n": encoded(numbers.n.to_bytes(256, "big")),
            "e": encoded(numbers.e.to_bytes(3, "big")),
        }

    def token(self, key=None, header=None, **claims):
        now = int(time.time())
        given = {"iss": self.url, "sub": "ada", "aud": "app", "exp": now + 600, "iat": now, "auth_time": now, **claims}
        signed = f"{encoded({'alg': 'RS256', 'kid': 'one', **(header or {})})}.{encoded(given)}"
        signature = (key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"


@pytest.fixture(scope="module")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


@pytest.fixture(scope="module")
def api(cloud, issuer):
    """An API with keys as an additional authentication type."""
    config = {"Issuer": issuer.url, "ClientId": "app|other", "IatTTL": "60000", "AuthTTL": 120000}
    settings = {
        "AuthenticationType": "OPENID_CONNECT",
        "OpenIDConnectConfig": config,
        "AdditionalAuthenticationProviders": [{"AuthenticationType": "API_KEY"}],
    }
    return deploy_api(cloud, settings, SCHEMA, FIELDS)


def with_token(token):
    return {"Authorization": f"Bearer {token}"}


def test_directives_decide(api, issuer):
    by_token = ask(api, "{ open oidc key }", with_token(issuer.token()))
    by_key = ask(api, "{ open oidc key }", {"x-api-key": api.key})

    assert by_token.body["data"] == {"open": "yes", "oidc": "yes", "key": None}
    assert by_key.body["data"] == {"open": None, "oidc": None, "key": "yes"}


def test_identity(api, issuer):
    identity = json.loads(ask(api, "{ whoami }", with_token(issuer.token(role="admin"))).data["whoami"])
    assert (identity["sub"], identity["issuer"], identity["claims"]["role"]) == ("ada", issuer.url, "admin")


@pytest.mark.parametrize("client", [{"aud": "other"}, {"aud": ["a", "app"]}, {"aud": "a", "azp": "app"}])
def test_clients_that_the_expression_names(api, issuer, client):
    assert ask(api, "{ oidc }", with_token(issuer.token(**client))).data == {"oidc": "yes"}


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "app2"}, NOT_AUTHORIZED),
        ({"aud": None}, NOT_AUTHORIZED),
        ({"exp": 1_000_000_000}, EXPIRED),
        ({"exp": None}, EXPIRED),
        ({"iat": int(time.time()) - 3600}, EXPIRED),
        ({"iat": None}, EXPIRED),
        ({"auth_time": int(time.time()) - 3600}, EXPIRED),
        ({"iss": "https://issuer.example.com"}, NO_HEADER),
    ],
)
def test_claims_that_are_refused(api, issuer, claims, error):
    assert refused(api, with_token(issuer.token(**claims)), "{ oidc }") == error


def test_signatures_that_are_refused(api, issuer):
    token = issuer.token()
    forged = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for each in (
        tampered(token, sub="bob"),
        unsigned(token),
        issuer.token(forged),
        issuer.token(header={"alg": "HS256"}),
        issuer.token(header={"kid": "two"}),
    ):
        assert refused(api, with_token(each), "{ oidc }") == NOT_PARSED


def test_keys_are_kept(api, issuer):
    refused(api, with_token(issuer.token(header={"kid": "unknown"})), "{ oidc }")  # reads old keys again
    before = len(issuer.asked)
    for _ in range(3):
        assert ask(api, "{ oidc }", with_token(issuer.token())).data == {"oidc": "yes"}
        refused(api, with_token(issuer.token(header={"kid": "unknown"})), "{ oidc }")
    assert len(issuer.asked) == before


def test_an_issuer_that_does_not_answer_refuses(cloud):
    config = {"Issuer": "http://127.0.0.1:1"}
    settings = {"AuthenticationType": "OPENID_CONNECT", "OpenIDConnectConfig": config}
    api = deploy_api(cloud, settings, "type Query { open: String }", {"open": YES})
    token = f"{encoded({'alg': 'RS256', 'kid': 'one'})}.{encoded({'iss': config['Issuer']})}.{encoded(b'x')}"
    assert refused(api, with_token(token), "{ open }") == NOT_PARSED
