"""cfn-lint's JSON Schema validators: it copies one, or makes a class for one, at nearly every place of a template."""

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from blueprints.cfn_lint.contexts import changed

_ALL_TYPES = ["array", "boolean", "integer", "number", "object", "string"]
_STRUCTURE = ("properties", "additionalProperties", "patternProperties")


def apply() -> None:
    """Replace the slow methods of cfn-lint's validators."""
    from cfnlint.jsonschema import _filter, _keywords, _utils, validators

    base = import_module("cfnlint.rules.jsonschema.Base")
    for kind in (validators.CfnTemplateValidator, validators.StandardValidator):
        kind.evolve = changed
        kind.descend = _descend
    validators.create = _create_from(validators)
    base.BaseJsonSchema.extend_validator = _extend_from(base)
    _filter.FunctionFilter.evolve = changed
    _filter.FunctionFilter.filter = _filter_from(_filter)
    _filter.FunctionFilter._filter_schemas = _split_from(_filter)
    _utils.equal = _keywords.equal = _equal_from(_utils)
    _keywords.re = SimpleNamespace(**vars(_keywords.re) | {"search": _search_from(_keywords.re)})


def _descend(
    validator: Any,
    instance: Any,
    schema: Any,
    path: Any = None,
    schema_path: Any = None,
    property_path: str | None = None,
) -> Iterator[Any]:
    """Validate a part of an instance by a part of the schema."""
    context = validator.context
    if path is not None or property_path is not None:
        context = changed(context, path=context.path.descend(path=path, cfn_path=property_path))
    for error in changed(validator, schema=schema, context=context).iter_errors(instance):
        if path is not None:
            error.path.appendleft(path)
        if schema_path is not None:
            error.schema_path.appendleft(schema_path)
        yield error


def _create_from(module: Any) -> Any:
    """Makes a class of validators by deriving it: a data class takes a hundred times as long."""

    class Validator(module.CfnTemplateValidator):  # type: ignore[misc]
        _type_checker = module.cfn_type_checker
        format_checker = module.cfn_format_checker
        default_filter: Any = None

        def __init__(
            self,
            schema: Any = True,
            resolver: Any = None,
            function_filter: Any = None,
            cfn: Any = None,
            context: Any = None,
        ) -> None:
            self.schema = schema
            self.function_filter = function_filter or self.default_filter
            self.cfn = module.Template(None, {}) if cfn is None else cfn
            self.context = self.cfn.context.evolve() if context is None else context
            self.resolver = module.RefResolver.from_schema(schema=schema) if resolver is None else resolver

    def create(validators: Any = None, function_filter: Any = None, fn_resolvers: Any = None) -> Any:
        attributes = {
            "validators": validators or {},
            "default_filter": function_filter or module.FunctionFilter(),
            "fn_resolvers": fn_resolvers or {},
        }
        return type("Validator", (Validator,), attributes)

    return create


def _extend_from(module: Any) -> Any:
    def extend_validator(self: Any, validator: Any, schema: Any, context: Any, validators: Any = None) -> Any:
        every = self._get_validators()
        if validators:
            every.update(validators)
        resolver = module.RefResolver.from_schema(schema)
        return validator.extend(validators=every)(schema=schema, cfn=validator.cfn, context=context, resolver=resolver)

    return extend_validator


def _filter_from(module: Any) -> Any:
    of_text = _keyword_of_text_from(module)

    def filtered(self: Any, validator: Any, instance: Any, schema: Any) -> Iterator[tuple[Any, Any, Any]]:
        """The instances to validate, each with its schema: one for each combination of conditions in it."""
        context = validator.context
        if "cfnContext" in schema:
            yield instance, schema, validator
        elif isinstance(instance, str) and (keyword := of_text(self, context.path.path, instance)) is not None:
            if keyword:
                yield instance, {keyword: schema}, validator
        elif not context.functions:
            yield instance, schema, validator
        else:
            standard, grouped = self._filter_schemas(schema, validator)
            if grouped:
                for part, scenario in context.conditions.evolve_from_instance(instance, context=context):
                    if part is not None:
                        yield part, grouped, changed(validator, context=changed(context, conditions=scenario))
            yield instance, _of_function(module, context, instance, standard), validator

    return filtered


def _keyword_of_text_from(module: Any) -> Any:
    functions = set(module.FUNCTIONS) - {"Fn::If"}

    def keyword(self: Any, path: Any, text: str) -> str | None:
        """The keyword that validates a text with references in it; empty where none does, None for other texts."""
        if self.validate_dynamic_references and "{{" in text:
            if module.REGEX_DYN_REF.findall(text):
                return "dynamicReference" if functions.isdisjoint(path) else ""
            if module.REGEX_DYN_REF_SPACES.search(text):
                return "dynamicReferenceSpaces"
        return "rawPseudoParameter" if text in module.PSEUDOPARAMS and "Ref" not in path else None

    return keyword


def _of_function(module: Any, context: Any, instance: Any, schema: Any) -> Any:
    """The schema; below the keyword of the function, if the instance is a function that is allowed there."""
    if isinstance(instance, dict) and len(instance) == 1:
        name = next(iter(instance))
        if name in context.functions:
            return {module.ToPy(name).py: schema}
    return schema


def _split_from(module: Any) -> Any:
    of_groups = frozenset(module.FunctionFilter().group_functions)

    def split(self: Any, schema: Any, validator: Any) -> tuple[Any, Any]:
        """The keywords of a schema about an instance as it is, and those about it without AWS::NoValue."""
        path = validator.context.path
        if path.path and path.path[-1] == "Fn::If":
            return schema, None
        standard, grouped = {}, {}
        for keyword, value in schema.items():
            if keyword in of_groups:
                grouped[keyword] = value
            else:
                standard[keyword] = value
        if self.add_cfn_lint_keyword and "$ref" not in standard:
            standard["cfnLint"] = [*module.ensure_list(standard.get("cfnLint", [])), "/".join(path.cfn_path)]
        types = standard.get("type")
        if types is not None:
            if "object" in module.ensure_list(types) and not any(each in standard for each in _STRUCTURE):
                standard["patternProperties"] = {".*": {"type": _ALL_TYPES}}
            if "array" in types and "items" not in standard:
                standard["items"] = {"type": _ALL_TYPES}
        return standard, grouped

    return split


def _equal_from(module: Any) -> Any:
    equal = module.equal

    def equal_texts_first(one: Any, other: Any) -> Any:
        """`equal`, where most values are texts and few of them mean true or false."""
        if isinstance(one, str) and isinstance(other, str) and not (_is_boolean(one) or _is_boolean(other)):
            return one == other
        return equal(one, other)

    return equal_texts_first


def _is_boolean(text: str) -> bool:
    return len(text) in (4, 5) and text.lower() in ("true", "false")


def _search_from(regex: Any) -> Any:
    """`regex.search` with compiled patterns at hand: its own cache takes longer to ask than most patterns to match."""
    compiled = lru_cache(maxsize=4096)(regex.compile)

    def search(pattern: str, text: str) -> Any:
        return compiled(pattern).search(text)

    return search
