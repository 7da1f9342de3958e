"""AWS_IAM: verifies the signature of a request, and finds out whose access key made it.

Source: AWS AppSync Developer Guide, "AWS_IAM authorization" and "Resolver mapping template context reference".
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import IAM, Identity, Unauthorized
from blueprints.local.services.iam import principal_of

PARSE = Internal("core.sigv4", "parse_header_signature", ("headers",))
TIME_FAILURE = Internal("core.sigv4", "request_time_failure", ("signature", "now"))
SIGNATURE_FAILURE = Internal(
    "core.sigv4",
    "header_signature_failure",
    ("signature", "secret", "method", "raw_path", "query_params", "headers", "body", "presigned", "explain"),
)
CREDENTIAL = Internal("core.iam_evaluator", "resolve_credential", ("access_key_id", "account_id", "session_token"))
CREDENTIAL_FOUND = Internal("core.iam_evaluator", "ResolvedCredential")
IS_OWNER = Internal("core.iam_evaluator", "is_root_access_key", ("access_key_id",))
ACCOUNT_OF_KEY = Internal("core.iam_evaluator", "find_iam_access_key_account", ("access_key_id",))
ACCOUNT_OF_SESSION = Internal("core.responses", "_account_from_sts_session", ("access_key_id",))
SESSIONS = Internal("services.sts", "_sessions")

_SERVICE = "appsync"
_ALGORITHM = "AWS4-HMAC-SHA256"
_OTHER_BODY = "The signature does not match: the header x-amz-content-sha256 is not the hash of the body."


def is_signature(authorization: str) -> bool:
    """Whether the header Authorization has a signature."""
    return authorization.startswith(_ALGORITHM)


def authenticate(
    api: GraphqlApi, headers: Mapping[str, str], method: str, path: str, body: bytes, source_ip: str
) -> Identity:
    """The principal that signed a request for an API. Raises Unauthorized.

    `path` is what the signature covers, with the query if there is one.
    """
    signature = PARSE.current()(headers)
    if isinstance(signature, tuple):
        raise _refused(*signature)
    if signature.service != _SERVICE:
        raise _refused("InvalidSignatureException", f"Credential should be scoped to correct service: '{_SERVICE}'. ")
    if signature.region != api.region:
        raise _refused(
            "InvalidSignatureException", f"Credential should be scoped to a valid region, not '{signature.region}'. "
        )
    if "host" not in signature.signed_headers.split(";"):
        raise _refused("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    skewed = TIME_FAILURE.current()(signature)
    if skewed:
        raise _refused(*skewed)
    stated = headers.get("x-amz-content-sha256")
    if stated and stated != hashlib.sha256(body).hexdigest():  # a signature of a hash alone covers no body
        raise _refused("SignatureDoesNotMatch", _OTHER_BODY)
    key = signature.access_key_id
    account = ACCOUNT_OF_SESSION.current()(key) or ACCOUNT_OF_KEY.current()(key) or _account_of_owner(key, api)
    token = headers.get("x-amz-security-token", "")
    credential = CREDENTIAL.current()(key, account, token)
    if not isinstance(credential, CREDENTIAL_FOUND.current()):
        raise _refused(credential.code, credential.message)
    if not IS_OWNER.current()(key):  # the signatures of the account's owner are not verified anywhere
        target = urlsplit(path)
        query = parse_qs(target.query, keep_blank_values=True)
        failure = SIGNATURE_FAILURE.current()(
            signature, credential.secret_access_key, method, target.path, query, headers, body
        )
        if failure:
            raise _refused(*failure)
    principal = principal_of(key, account)
    return Identity(IAM, _context(credential, source_ip), principal=principal)


def _account_of_owner(key: str, api: GraphqlApi) -> str:
    return key if key.isdigit() else api.account


def _context(credential: Any, source_ip: str) -> dict[str, Any]:
    """`ctx.identity`; what identity pools of Cognito know about their credentials is in the session."""
    session = SESSIONS.current().get(credential.access_key_id) or {}
    return {
        "accountId": credential.account_id,
        "cognitoIdentityPoolId": session.get("_identity_pool_id") or None,
        "cognitoIdentityId": session.get("_identity_id"),
        "sourceIp": [source_ip],
        "username": credential.principal_id,
        "userArn": credential.principal_arn,
        "cognitoIdentityAuthType": session.get("_cognito_auth_type"),
        "cognitoIdentityAuthProvider": session.get("_cognito_auth_provider"),
    }


def _refused(code: str, message: str) -> Unauthorized:
    if code == "SignatureDoesNotMatch":
        return Unauthorized(message, "BadRequestException", 400)
    return Unauthorized(message, code, 403)
