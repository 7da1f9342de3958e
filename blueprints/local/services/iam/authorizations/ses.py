"""Amazon SES, version 1 of the API: sending is judged on the identity that a mail is from, and on its template.

Source: Service Authorization Reference, "Amazon Simple Email Service".
"""

import binascii
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

IDENTITIES = Internal("services.ses", "_identities")


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
    """The address if it is verified itself, otherwise its domain."""
    address = _sender(call)
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

SERVICES = {"ses": by_operation("ses", _OPERATIONS, default=any_resource)}
