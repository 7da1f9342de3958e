"""What preflight finds: a verdict, what it is about, and the file and line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from blueprints.errors import BlueprintError
from blueprints.template.reading import Place, Template

Verdict = Literal["accepted", "unconfirmed", "refused"]


@dataclass(frozen=True)
class Finding:
    """One thing found. `refused` stands in the way; `unconfirmed` says how to find out; `accepted` is worth knowing."""

    verdict: Verdict
    message: str
    where: str
    """`file:line`."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"

    def as_json(self) -> dict[str, str]:
        """The finding as data."""
        return {"verdict": self.verdict, "message": self.message, "where": self.where}


def found(verdict: Verdict, message: str, template: Template, place: Place) -> Finding:
    """A finding at a place in a template."""
    return Finding(verdict, message, template.at(*place))


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict of all."""
    given = {each.verdict for each in findings}
    return "refused" if "refused" in given else "unconfirmed" if "unconfirmed" in given else "accepted"


def stop_at_refused(name: str, findings: Iterable[Finding]) -> None:
    """Raise BlueprintError when anything found stands in the way."""
    refused = [each for each in findings if each.verdict == "refused"]
    if len(refused) == 1:
        raise BlueprintError(refused[0].message, where=refused[0].where)
    if refused:
        listed = "\n".join(f"  {each}" for each in refused)
        raise BlueprintError(f"{name} can't be published:\n{listed}")
