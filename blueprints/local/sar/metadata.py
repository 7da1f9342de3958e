"""The fields of an application in the embedded Serverless Application Repository: their forms and limits."""

from typing import Any

from blueprints.local.sar.protocol import Refusal
from blueprints.publish.rules import FORMS, LABEL, LABELS

KEPT = ("Name", "Author", "Description", "HomePageUrl", "Labels", "SpdxLicenseId")
CHANGEABLE = ("Author", "Description", "HomePageUrl", "Labels")


def check(given: dict[str, Any]) -> None:
    """Raises Refusal for a field that is not of its form."""
    for name, form in FORMS.items():
        value = given.get(name)
        if value is not None and not form.takes(value):
            raise Refusal(
                "BadRequestException",
                f"{name} must satisfy the regular expression {form.pattern} and be 1 to {form.longest} long",
            )
    labels = given.get("Labels") or []
    if len(labels) > LABELS:
        raise Refusal("BadRequestException", f"There are {len(labels)} labels, more than {LABELS}")
    for label in labels:
        if not LABEL.takes(label):
            raise Refusal("BadRequestException", f"Label {label!r} must satisfy {LABEL.pattern}")
