"""Finds packages that a lock lacks although its packages need them; otherwise the function would fail at run time."""

import re
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import installer
from blueprints.packaging.lock import SHARED, Lock
from blueprints.packaging.targets import Target

# Lambda's Python runtime has these, so a lock need not name them.
_IN_THE_RUNTIME = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"})
_WOULD_INSTALL = re.compile(r"^ \+ (\S+?)(?:==| @ )", re.MULTILINE)
_NOT_THERE = re.compile(r"Because (\S+) was not found in")


def missing(lock: Lock, target: Target, wheel: Path | None) -> list[str]:
    """Names that a full resolution for the target would add to the lock. Installs nothing."""
    with cache.scratch() as work:
        requirements = work / "requirements.txt"
        lock.write(requirements, lock.names() - ({SHARED} if wheel else set()))
        command = ["pip", "install", "--dry-run", "--target", str(work / "nothing"), "-r", str(requirements)]
        command += [*target.options, "--no-binary", "pyvips", "--no-verify-hashes"]
        command += [f"{SHARED} @ {wheel.as_uri()}"] if wheel else []
        try:
            said = installer.run(command, subject=at(lock.path))
        except BlueprintError as error:
            unknown = _NOT_THERE.search(" ".join(str(error).split()))
            return [unknown.group(1)] if unknown else []
    return sorted(set(_WOULD_INSTALL.findall(said)) - lock.names() - _IN_THE_RUNTIME)
