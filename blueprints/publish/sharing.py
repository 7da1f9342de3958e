"""Sharing: who may deploy an application."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.sar_rules.limits import POLICY_CHARACTERS

_ADVICE = (
    "Write --sharing private, --sharing accounts=111122223333,444455556666 or --sharing organization=o-exampleorgid; "
    "for everybody, --public."
)


@dataclass(frozen=True)
class Sharing:
    """With whom an application is shared: nobody, accounts, an organization, or everybody."""

    words: str
    principals: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()

    @property
    def public(self) -> bool:
        """Whether everybody may deploy it."""
        return "*" in self.principals and not self.organizations

    def statements(self) -> list[dict[str, Any]]:
        """The application's policy."""
        if not self.principals:
            return []
        actions = ["Deploy", "UnshareApplication"] if self.organizations else ["Deploy"]
        organizations = {"PrincipalOrgIDs": list(self.organizations)} if self.organizations else {}
        return [{"Principals": list(self.principals), "Actions": actions, **organizations}]


def parse_sharing(text: str | None, *, public: bool) -> Sharing | None:
    """Parse the options --sharing and --public. None if neither is given: sharing then stays unchanged."""
    if public:
        if text not in (None, "public"):
            raise BlueprintError(f"--public and --sharing {text} contradict each other.", advice=_ADVICE)
        return Sharing("public", ("*",))
    if text is None:
        return None
    kind, _, value = text.partition("=")
    if text == "private":
        return Sharing("private")
    accounts = tuple(sorted(set(value.split(","))))
    if kind == "accounts" and all(re.fullmatch(r"\d{12}", each) for each in accounts):
        if len(str(accounts)) > POLICY_CHARACTERS:
            raise BlueprintError(
                f"{len(accounts)} accounts do not fit into one policy.", advice="Share with the organization."
            )
        return Sharing(f"accounts {', '.join(accounts)}", accounts)
    if kind == "organization" and re.fullmatch(r"o-[a-z0-9]{10,32}", value):
        return Sharing(f"organization {value}", ("*",), (value,))
    raise BlueprintError(f"--sharing {text} is not a valid value.", advice=_ADVICE)


def describe(statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy in words, which are equal for equal policies."""
    if not statements:
        return "private"
    return "; ".join(sorted(_words(statement) for statement in statements))


def _words(statement: Mapping[str, Any]) -> str:
    organizations = statement.get("PrincipalOrgIDs") or []
    if organizations:
        return f"organization {', '.join(organizations)}"
    principals = statement["Principals"]
    words = "public" if "*" in principals else f"accounts {', '.join(sorted(principals))}"
    return words if statement["Actions"] == ["Deploy"] else f"{words} ({', '.join(sorted(statement['Actions']))})"
