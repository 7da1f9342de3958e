"""Findings of the checks before publishing: a verdict, a message, and the file and line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from blueprints.errors import BlueprintError
from blueprints.template.reading import Place, Template

Verdict = Literal["accepted", "unconfirmed", "refused"]


@dataclass(frozen=True)
class Finding:
    """A finding. `refused` stops publishing; `unconfirmed` says how to find out whether the repository accepts it;
    `accepted` is information."""

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
    """The most severe verdict of all findings; `accepted` if there are none."""
    given = {each.verdict for each in findings}
    return "refused" if "refused" in given else "unconfirmed" if "unconfirmed" in given else "accepted"


def stop_at_refused(name: str, findings: Iterable[Finding]) -> None:
    """Raise BlueprintError if any finding is refused."""
    refused = [each for each in findings if each.verdict == "refused"]
    if len(refused) == 1:
        raise BlueprintError(refused[0].message, where=refused[0].where)
    if refused:
        listed = "\n".join(f"  {each}" for each in refused)
        raise BlueprintError(f"{name} can't be published:\n{listed}")
