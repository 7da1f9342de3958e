"""What every pattern promises, one function each: its name is the rule's, its docstring is the rule.

check(discover())  a Report for each pattern, with its findings
promises()         every promise there is: a public function in this package that takes a Subject is one
"""

from blueprints.promises.checking import Report, check, findings, promises, rule_of
from blueprints.promises.finding import Finding
from blueprints.promises.subject import Breach, Subject

__all__ = ["Breach", "Finding", "Report", "Subject", "check", "findings", "promises", "rule_of"]
