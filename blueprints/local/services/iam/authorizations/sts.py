"""AWS STS: roles are assumed on their ARN; session tags and a source identity need permissions of their own.

Source: Service Authorization Reference, "AWS Security Token Service".
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, any_resource, by_operation

_KEYS = {
    "RoleSessionName": "sts:RoleSessionName",
    "ExternalId": "sts:ExternalId",
    "SourceIdentity": "sts:SourceIdentity",
    "DurationSeconds": "sts:DurationSeconds",
}


def _role(call: Call) -> str:
    return call.text("RoleArn") or "*"


def _federated_user(call: Call) -> str:
    name = call.text("Name")
    return f"arn:aws:sts::{call.account}:federated-user/{name}" if name else "*"


def _session(call: Call) -> Mapping[str, Any]:
    keys: dict[str, Any] = {key: call.text(name) for name, key in _KEYS.items() if call.text(name)}
    transitive = [name for name in call.query if name.startswith("TransitiveTagKeys.")]
    return {**keys, "sts:TransitiveTagKeys": [call.text(name) for name in transitive]} if transitive else keys


_OPERATIONS = {
    "AssumeRole": (
        Needs("AssumeRole", _role, keys=_session),
        Needs("TagSession", _role, when=lambda call: call.has("Tags"), keys=_session),
        Needs("SetSourceIdentity", _role, when=lambda call: call.has("SourceIdentity"), keys=_session),
    ),
    "AssumeRoleWithWebIdentity": (Needs("AssumeRoleWithWebIdentity", _role, keys=_session),),
    "AssumeRoleWithSAML": (Needs("AssumeRoleWithSAML", _role, keys=_session),),
    "GetFederationToken": (
        Needs("GetFederationToken", _federated_user),
        Needs("TagSession", _federated_user, when=lambda call: call.has("Tags")),
    ),
}

SERVICES = {"sts": by_operation("sts", _OPERATIONS, default=any_resource)}
