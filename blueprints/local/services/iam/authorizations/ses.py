"""Amazon SES, both versions of the API: sending is judged on the identity that a mail is from, and on its template.

Sources: Service Authorization Reference, "Amazon Simple Email Service" and "Amazon Simple Email Service v2".
"""

import binascii
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

IDENTITIES = Internal("services.ses", "_identities")
RESOURCE_OF_PATH = Internal(
    "core.iam_actions", "_ses_v2_resource_arn", ("method", "path", "body", "region", "account_id")
)

_VERSION_2 = "/v2/email/"


def _sender(call: Call) -> str:
    """The address that a mail is from, in a parameter or in the mail's own header."""
    source = call.text("Source", "BounceSender")
    if not source and call.text("RawMessage.Data"):
        source = _header(call.text("RawMessage.Data"))
    return parseaddr(source)[1]


def _header(encoded: str) -> str:
    try:
        return str(message_from_bytes(binascii.a2b_base64(encoded)).get("From", ""))
    except binascii.Error:
        return ""  # the service refuses it


def _identity(call: Call) -> str:
    return _identity_arn(call, _sender(call))


def _identity_arn(call: Call, address: str) -> str:
    """The address if it is verified itself, otherwise its domain."""
    domain = address.rpartition("@")[2]
    known = IDENTITIES.current()
    named = domain if domain in known and address not in known else address
    return call.arn(f"identity/{named}") if named else "*"


def _identity_and_template(call: Call) -> Iterator[str]:
    yield _identity(call)
    yield call.arn(f"template/{call.text('Template')}")


def _from(call: Call) -> Mapping[str, Any]:
    name, address = parseaddr(call.text("Source"))
    keys = {"ses:FromAddress": address, "ses:FromDisplayName": name}
    recipients = [
        call.text(parameter)
        for parameter in call.query
        if parameter.startswith(("Destination.", "Destinations.member.")) and ".member." in parameter
    ]
    return {**{key: value for key, value in keys.items() if value}, "ses:Recipients": recipients}


_OPERATIONS: Operations = {
    **{name: (Needs(name, _identity, keys=_from),) for name in ("SendEmail", "SendRawEmail", "SendBounce")},
    **{
        name: (Needs(name, _identity_and_template, keys=_from),)
        for name in ("SendBulkTemplatedEmail", "SendTemplatedEmail")
    },
}

_of_version_1 = by_operation("ses", _OPERATIONS, default=any_resource)


def _authorizations(call: Call) -> list[Authorization]:
    return _of_version_2(call) if call.path.startswith(_VERSION_2) else _of_version_1(call)


def _of_version_2(call: Call) -> list[Authorization]:
    """Sending on the identity, everything else on what the path or the body names."""
    action = f"ses:{call.operation}"
    if call.operation not in ("SendEmail", "SendBulkEmail"):
        resource = RESOURCE_OF_PATH.current()(call.method, call.path, call.body, call.region, call.account)
        return [Authorization(action, str(resource))]
    sender = call.text("FromEmailAddress") or _header(_raw_content(call))
    name, address = parseaddr(sender)
    identity = call.text("FromEmailAddressIdentityArn") or _identity_arn(call, address)
    keys = {"ses:FromAddress": address, "ses:FromDisplayName": name}
    return [Authorization(action, identity, {key: value for key, value in keys.items() if value})]


def _raw_content(call: Call) -> str:
    """A mail that is sent as it is, in base64; or ''."""
    found: Any = call.request
    for name in ("Content", "Raw", "Data"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


SERVICES = {"ses": _authorizations}
