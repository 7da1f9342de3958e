"""The service's API, and the limits that botocore's model documents: lengths, patterns, numbers, sizes, capabilities.

The model states most limits in the documentation of its members. They are read from there, so that the embedded
repository checks what AWS documents, and a wrong limit in `blueprints.sar_rules` shows.
"""

import html
import re
from dataclasses import dataclass
from functools import cache

from blueprints.errors import BlueprintError
from blueprints.local.base.protocol import Api

API = Api("serverlessrepo", invalid="BadRequestException", not_found="NotFoundException")

_CREATE = "CreateApplicationRequest"
_DEPLOY = "CreateCloudFormationChangeSetRequest"
_LENGTHS = re.compile(r"Minimum length=(\d+)\. Maximum length=(\d+)")
_PATTERN = re.compile(r'Pattern:? "(.+?)";')
_TYPE = re.compile(r">AWS::?(\w+)::?(\w+)</a>")
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class TextLimits:
    """The limits of a text field."""

    shortest: int
    longest: int
    pattern: str | None

    def takes(self, text: str) -> bool:
        """Whether a text fits the lengths and the pattern."""
        return self.shortest <= len(text) <= self.longest and (
            self.pattern is None or re.fullmatch(self.pattern, text) is not None
        )

    def __str__(self) -> str:
        pattern = f" and satisfy the regular expression {self.pattern}" if self.pattern else ""
        return f"be {self.shortest} to {self.longest} characters long{pattern}"


@cache
def form(member: str) -> TextLimits:
    """The limits of a member of CreateApplication; for Labels, those of each label."""
    lengths = _stated(_CREATE, member, _LENGTHS)
    # The patterns are written as they stand in a program, with every backslash twice.
    pattern = _PATTERN.search(_documentation(_CREATE, member))
    return TextLimits(int(lengths[1]), int(lengths[2]), pattern[1].replace("\\\\", "\\") if pattern else None)


@cache
def most_labels() -> int:
    """How many labels an application may have."""
    return int(_stated(_CREATE, "Labels", re.compile(r"Maximum number of labels: (\d+)"))[1])


@cache
def largest_text(member: str) -> int:
    """How many bytes a licence or readme may have."""
    return int(_stated(_CREATE, member, re.compile(r"Maximum size (\d+) MB"))[1]) * _MEGABYTE


@cache
def capabilities() -> frozenset[str]:
    """Every capability that can be acknowledged."""
    return frozenset(API.model.shape_for("Capability").enum)


@cache
def types_that_require(capability: str) -> frozenset[str]:
    """The resource types that the model names for CAPABILITY_IAM or CAPABILITY_RESOURCE_POLICY."""
    listed = _stated(_DEPLOY, "Capabilities", re.compile(rf"require you to specify {capability}\b(.*?)</p>", re.DOTALL))
    return frozenset(f"AWS::{service_name}::{kind}" for service_name, kind in _TYPE.findall(listed[1]))


def _stated(shape: str, member: str, sentence: re.Pattern[str]) -> re.Match[str]:
    found = sentence.search(_documentation(shape, member))
    if found is None:
        raise BlueprintError(
            f"Botocore's model of serverlessrepo does not say of {shape}.{member} what it did: {sentence.pattern}",
            advice="Install the version of botocore that these tools require.",
        )
    return found


def _documentation(shape: str, member: str) -> str:
    return html.unescape(str(API.model.shape_for(shape).members[member].documentation))
