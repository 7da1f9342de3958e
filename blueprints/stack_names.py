"""Makes stack names from folder names: CloudFormation allows letters, digits and hyphens, and a letter first."""

import hashlib
import re
import unicodedata

_LONGEST = 100
"""CloudFormation allows 128; the stacks of prerequisites have longer names that begin with this one."""


def stack_name(name: str) -> str:
    """The name itself if CloudFormation accepts it, otherwise a similar name that it accepts."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fitting = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
    if not fitting:
        return f"stack-{_digest(name)}"
    if not fitting[0].isalpha():
        fitting = f"stack-{fitting}"
    if len(fitting) > _LONGEST:
        return f"{fitting[: _LONGEST - 7].rstrip('-')}-{_digest(name)}"
    return fitting


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]
