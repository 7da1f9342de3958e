"""Facts about the Serverless Application Repository: forms, limits, licences and resource types that it accepts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.folders import project_folder

METADATA = "AWS::ServerlessRepo::Application"
"""The section of a template's Metadata that describes the application."""

TEXT_BYTES = 5 * 1024 * 1024
"""The largest readme or licence."""
ARTIFACT_BYTES = 104_857_600
"""The largest total of all S3 artifacts of one version."""
TEMPLATE_BYTES = 450 * 1024
INLINE_TEMPLATE_BYTES = 51_200
"""A larger template must be in S3."""
LABELS = 10
POLICY_CHARACTERS = 6_144

READER = "serverlessrepo.amazonaws.com"
"""The service that reads artifacts; the bucket's policy must allow it."""


@dataclass(frozen=True)
class Form:
    """The form of a metadata field: a pattern, and the largest number of characters."""

    pattern: str
    longest: int

    def takes(self, text: str) -> bool:
        """Whether a text matches the pattern and is neither empty nor too long."""
        return 0 < len(text) <= self.longest and re.fullmatch(self.pattern, text) is not None


LABEL = Form(r"[a-zA-Z0-9+\-_:\/@]+", 127)
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIER = r"(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
SEMANTIC_VERSION = (
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
FORMS: Mapping[str, Form] = {
    "Name": Form(r"[a-zA-Z0-9\-]+", 140),
    "Description": Form(r"(?s).+", 256),
    "Author": Form(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", 127),
    "SpdxLicenseId": Form(r"[A-Za-z0-9.\-+]+", 127),
    "HomePageUrl": Form(r"https?://\S+", 2048),
    "SourceCodeUrl": Form(r"https?://\S+", 2048),
    "SemanticVersion": Form(SEMANTIC_VERSION, 255),
}
REQUIRED = ("Name", "Description", "Author")

OSI_LICENCES = frozenset({
    "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BlueOak-1.0.0",
    "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CDDL-1.0", "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.2",
    "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only",
    "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "MS-PL", "MS-RL", "NCSA",
    "OSL-3.0", "PostgreSQL", "Python-2.0", "Unlicense", "UPL-1.0", "Zlib",
})  # fmt: skip
"""Licences that the OSI has approved; public sharing requires one."""

REFUSED_TYPES: Mapping[str, str] = {
    "AWS::CloudWatch::CompositeAlarm": "write alarms without a composite alarm",
    "AWS::Serverless::Connector": "write the permissions out, best as SAM policy templates",
    "AWS::Lambda::Url": "add an API, or let the person who deploys it add the URL",
    "AWS::Scheduler::Schedule": "use an Events rule with a ScheduleExpression (SAM: 'Type: Schedule')",
}
"""Types that the repository is known to refuse, and what to write instead."""

EXPANDED_SEEN: frozenset[str] = frozenset({"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"})
"""Types that are not on the list, but that SAM generates in applications published by the repository's team."""


def sar_folder() -> Path:
    """The project's folder `sar/`."""
    return project_folder("sar")


@cache
def supported_types() -> frozenset[str]:
    """Resource types of the last full list that AWS published, `sar/supported-resource-types.txt`."""
    path = sar_folder() / "supported-resource-types.txt"
    if not path.is_file():
        raise BlueprintError(
            "The list of the resource types that can be published is missing.",
            where=at(path),
            advice="Install the tools again, or publish from a checkout of the project.",
        )
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line)
