"""The fields of an application in the embedded Serverless Application Repository: their forms and limits."""

from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.serverlessrepo import model
from blueprints.sar_rules.versions import is_version

KEPT = ("Name", "Author", "Description", "HomePageUrl", "Labels", "SpdxLicenseId")
CHANGEABLE = ("Author", "Description", "HomePageUrl", "Labels")


def check(given: dict[str, Any]) -> None:
    """Raises ServiceError for a field outside its limits."""
    for name in ("Name", "Author", "Description"):
        if given.get(name) is not None and not model.form(name).takes(given[name]):
            raise ServiceError("BadRequestException", f"{name} must {model.form(name)}")
    version = given.get("SemanticVersion")
    if version is not None and not is_version(version):
        raise ServiceError("BadRequestException", f"SemanticVersion {version} is no semantic version")
    labels = given.get("Labels") or []
    if len(labels) > model.most_labels():
        raise ServiceError("BadRequestException", f"There are {len(labels)} labels, more than {model.most_labels()}")
    for label in labels:
        if not model.form("Labels").takes(label):
            raise ServiceError("BadRequestException", f"Label {label!r} must {model.form('Labels')}")
