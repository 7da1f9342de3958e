"""cfn-lint's rules: how they are loaded, and which of them are asked at a place of a template."""

from collections import defaultdict
from functools import cache
from types import SimpleNamespace
from typing import Any


def apply() -> None:
    """Replace the slow functions that load and run rules."""
    import cfnlint.helpers
    from cfnlint.rules import _rule
    from cfnlint.rules._rules import Rules

    _look_into_a_folder_once(cfnlint.helpers)
    _ask_rules_about_their_resource_types(_rule, Rules)


def prepare(rules: Any) -> None:
    """Replace the slow method of a loaded rule, the one that asks others at every place of a template."""
    if "E1101" in rules:
        _find_rules_by_keyword(type(rules["E1101"]))


def _look_into_a_folder_once(helpers: Any) -> None:
    """Load all rules of a folder by one finder, which lists the folder once."""
    finder = cache(lambda root: helpers.importlib.machinery.FileFinder(root, helpers.loader_details))

    def import_filename(name: str, root: str) -> Any:
        spec = finder(root).find_spec(name)
        if spec is None:
            return None
        module = helpers.importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    helpers.import_filename = import_filename


def _ask_rules_about_their_resource_types(module: Any, rules: Any) -> None:
    """Ask a rule about the resources of its types alone, not every rule about every resource."""
    run_check = rules.run_check
    of_properties = module.CloudFormationLintRule.matchall_resource_properties

    def run_check_if_concerned(
        self: Any, check: Any, filename: Any, rule_id: str, config: Any, enabled: Any, *args: Any
    ) -> Any:
        if check.__func__ is of_properties and args[3] not in check.__self__.resource_property_types:
            return ()
        return run_check(self, check, filename, rule_id, config, enabled, *args)

    rules.run_check = run_check_if_concerned


def _find_rules_by_keyword(rule: Any) -> None:
    """Cache which rules apply to a place of a template, instead of searching all rules at every place."""
    ask = rule.cfnLint

    def ask_those_concerned(self: Any, validator: Any, keywords: Any, instance: Any, schema: Any) -> Any:
        by_keyword = _by_keyword(self)
        concerned = {name: each for keyword in keywords for name, each in by_keyword.get(keyword, {}).items()}
        return ask(SimpleNamespace(child_rules=concerned), validator, keywords, instance, schema) if concerned else ()

    rule.cfnLint = ask_those_concerned


def _by_keyword(rule: Any) -> dict[str, dict[str, Any]]:
    """The child rules of a rule, grouped by the places that they apply to; grouped again when rules are added."""
    count: int
    grouped: dict[str, dict[str, Any]]
    count, grouped = rule.__dict__.get("_rules_by_keyword", (-1, {}))
    if count != len(rule.child_rules):
        grouped = defaultdict(dict)
        for name, each in rule.child_rules.items():
            for keyword in each.keywords if each is not None and each.id else ():
                grouped[keyword][name] = each
        rule.__dict__["_rules_by_keyword"] = len(rule.child_rules), grouped
    return grouped
