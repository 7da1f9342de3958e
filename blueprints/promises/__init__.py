"""What every pattern promises, one function each: its name is the rule's, its docstring is the rule.

check(discover())  a Report for each pattern, with its findings
promises()         every promise there is: a public function in this package that takes a CheckedPattern is one
"""

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern
from blueprints.promises.checking import Report, check, findings, promises, rule_of

__all__ = ["CheckedPattern", "Finding", "Report", "check", "findings", "promises", "rule_of"]
