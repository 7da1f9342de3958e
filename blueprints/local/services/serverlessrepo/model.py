"""What botocore's model of the service says of its fields: lengths, patterns, numbers, sizes, capabilities.

The model states most of it in words beside the members. It is read from there, so that the embedded repository judges
by what AWS wrote down and not by what the publisher believes (`blueprints.sar_rules`): a mistake there shows here.
"""

import html
import re
from dataclasses import dataclass
from functools import cache

import botocore.loaders
from botocore.model import ServiceModel

from blueprints.errors import BlueprintError

_CREATE = "CreateApplicationRequest"
_DEPLOY = "CreateCloudFormationChangeSetRequest"
_LENGTHS = re.compile(r"Minimum length=(\d+)\. Maximum length=(\d+)")
_PATTERN = re.compile(r'Pattern:? "(.+?)";')
_TYPE = re.compile(r">AWS::?(\w+)::?(\w+)</a>")
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Form:
    """What a text field may be."""

    shortest: int
    longest: int
    pattern: str | None

    def takes(self, text: str) -> bool:
        """Whether a text is within the lengths and of the pattern."""
        return self.shortest <= len(text) <= self.longest and (
            self.pattern is None or re.fullmatch(self.pattern, text) is not None
        )

    def __str__(self) -> str:
        pattern = f" and satisfy the regular expression {self.pattern}" if self.pattern else ""
        return f"be {self.shortest} to {self.longest} characters long{pattern}"


@cache
def service() -> ServiceModel:
    """The model of the Serverless Application Repository."""
    return ServiceModel(botocore.loaders.Loader().load_service_model("serverlessrepo", "service-2"), "serverlessrepo")


@cache
def form(member: str) -> Form:
    """The form of a member of CreateApplication; of Labels, that of each."""
    lengths = _said(_CREATE, member, _LENGTHS)
    # The patterns are written as they stand in a program, with every backslash twice.
    pattern = _PATTERN.search(_words(_CREATE, member))
    return Form(int(lengths[1]), int(lengths[2]), pattern[1].replace("\\\\", "\\") if pattern else None)


@cache
def most_labels() -> int:
    """How many labels an application may have."""
    return int(_said(_CREATE, "Labels", re.compile(r"Maximum number of labels: (\d+)"))[1])


@cache
def largest_text(member: str) -> int:
    """How many bytes a licence or readme may have."""
    return int(_said(_CREATE, member, re.compile(r"Maximum size (\d+) MB"))[1]) * _MEGABYTE


@cache
def capabilities() -> frozenset[str]:
    """Every capability that can be acknowledged."""
    return frozenset(service().shape_for("Capability").enum)


@cache
def types_that_require(capability: str) -> frozenset[str]:
    """The resource types that the model names for CAPABILITY_IAM or CAPABILITY_RESOURCE_POLICY."""
    listed = _said(_DEPLOY, "Capabilities", re.compile(rf"require you to specify {capability}\b(.*?)</p>", re.DOTALL))
    return frozenset(f"AWS::{service_name}::{kind}" for service_name, kind in _TYPE.findall(listed[1]))


def _said(shape: str, member: str, sentence: re.Pattern[str]) -> re.Match[str]:
    found = sentence.search(_words(shape, member))
    if found is None:
        raise BlueprintError(
            f"Botocore's model of serverlessrepo does not say of {shape}.{member} what it did: {sentence.pattern}",
            advice="Install the version of botocore that these tools require.",
        )
    return found


def _words(shape: str, member: str) -> str:
    return html.unescape(str(service().shape_for(shape).members[member].documentation))
