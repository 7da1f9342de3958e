"""Findings of the checks before publishing: a verdict, a message, and the file and line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from blueprints.errors import BlueprintError
from blueprints.findings import Finding
from blueprints.template.reading import Place, Template

Verdict = Literal["accepted", "unconfirmed", "refused"]


@dataclass(frozen=True, order=True)
class RepositoryFinding(Finding):
    """A finding that says whether the repository accepts the application.

    `refused` stops publishing; `unconfirmed` says how to find out; `accepted` is information.
    """

    verdict: Verdict = field(default="refused", kw_only=True)

    def as_json(self) -> dict[str, str]:
        """The finding as data."""
        return {"verdict": self.verdict, "message": self.message, "where": self.where}


def found(verdict: Verdict, message: str, template: Template, place: Place) -> RepositoryFinding:
    """A finding at a place in a template."""
    return RepositoryFinding(template.path, template.line(*place), message, verdict=verdict)


def verdict(findings: Iterable[RepositoryFinding]) -> Verdict:
    """The most severe verdict of all findings; `accepted` if there are none."""
    given = {each.verdict for each in findings}
    return "refused" if "refused" in given else "unconfirmed" if "unconfirmed" in given else "accepted"


def stop_at_refused(name: str, findings: Iterable[RepositoryFinding]) -> None:
    """Raise BlueprintError if any finding is refused."""
    refused = [each for each in findings if each.verdict == "refused"]
    if len(refused) == 1:
        raise BlueprintError(refused[0].message, where=refused[0].where)
    if refused:
        listed = "\n".join(f"  {each}" for each in refused)
        raise BlueprintError(f"{name} can't be published:\n{listed}")
