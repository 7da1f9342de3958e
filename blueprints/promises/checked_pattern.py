"""A pattern as the promises see it: its folder, its template as written, and its expanded template."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.findings import Finding
from blueprints.pattern import Pattern
from blueprints.promises.state_machines import StateMachine, state_machines
from blueprints.promises.values import at, mappings, references, text, within
from blueprints.template.expansion import expand
from blueprints.template.problems import problems
from blueprints.template.reading import Place, Template, load
from blueprints.template.references import Undeclared, undeclared_names

HOOK_NAME = "CodeDeployHook_"
"""The beginning of the names of functions that CodeDeploy may invoke as hooks."""

_MISSPELT = ("unknown-reference", "unknown-type", "unknown-property", "unknown-attribute", "type")

_SAM = "AWS::Serverless::"
_ASYNCHRONOUS = ("events", "s3", "sns", "scheduler", "iot", "logs", "ses", "config", "codecommit")
_DEAD_LETTERS = ("DeadLetterConfig", "OnFailure", "RedrivePolicy")
_STREAMS = (
    "AWS::Kinesis::Stream",
    "AWS::Kinesis::StreamConsumer",
    "AWS::DynamoDB::Table",
    "AWS::DynamoDB::GlobalTable",
)


@dataclass(frozen=True)
class Resource:
    """One resource of the expanded template."""

    logical_id: str
    body: dict[str, Any]

    def __str__(self) -> str:
        return self.logical_id

    @property
    def type(self) -> str:
        """Such as `AWS::SQS::Queue`."""
        return str(self.body.get("Type"))

    @property
    def properties(self) -> dict[str, Any]:
        """Its properties; empty if it has none."""
        properties = self.body.get("Properties")
        return properties if isinstance(properties, dict) else {}


@dataclass(frozen=True)
class Source:
    """One source of events that reach a function."""

    kind: str
    """`stream`, `queue`, `asynchronous` or `synchronous`."""
    function: str
    by: Resource
    """The resource that delivers the events: a mapping, a permission, a rule, a data source."""
    target: object
    """The function or alias that it delivers to."""


class CheckedPattern:
    """A pattern and the facts about it that several promises use."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern

    @cached_property
    def template(self) -> Template:
        """The template as it is written."""
        return load(self.pattern.template)

    @property
    def expanded(self) -> dict[str, Any]:
        """The template that SAM generates from it, with every parameter at its default.

        Raises BlueprintError if SAM rejects the template, or if names in it are misspelt.
        """
        if isinstance(self._expansion, BlueprintError):
            raise self._expansion
        if self.is_misspelt:
            raise BlueprintError("The template has misspelt names, so the generated template cannot be checked.")
        return self._expansion

    @property
    def refusal(self) -> BlueprintError | None:
        """The reason why SAM rejects the template; None if it accepts it."""
        return self._expansion if isinstance(self._expansion, BlueprintError) else None

    @property
    def is_expanded(self) -> bool:
        """Whether there is an expanded template: SAM accepts this one, and no names in it are misspelt."""
        return not (self.refusal or self.is_misspelt)

    @cached_property
    def problems(self) -> list[Finding]:
        """Names and files that are misspelt, missing, or outside the folder; empty if SAM rejects the template."""
        return [] if isinstance(self._expansion, BlueprintError) else problems(self.template, self._expansion)

    @property
    def is_misspelt(self) -> bool:
        """Whether the template has a name or type that CloudFormation does not know."""
        return any(problem.rule in _MISSPELT for problem in self.problems)

    @cached_property
    def undeclared(self) -> list[Undeclared]:
        """Names that the template refers to and does not declare."""
        return [] if isinstance(self._expansion, BlueprintError) else undeclared_names(self.template, self._expansion)

    @cached_property
    def _expansion(self) -> dict[str, Any] | BlueprintError:
        try:
            return expand(self.template)
        except BlueprintError as error:
            return error

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """The template's parameters, as they are written."""
        return _mappings_of(self.template.section("Parameters"))

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """The template's outputs, as they are written."""
        return _mappings_of(self.template.section("Outputs"))

    @cached_property
    def readme(self) -> list[str]:
        """The lines of README.md; empty if there is none."""
        path = self.pattern.folder / "README.md"
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

    # --- resources ---------------------------------------------------------------------------------------------------

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Every resource of the expanded template."""
        made = self.expanded.get("Resources") or {}
        return {name: Resource(name, body) for name, body in made.items() if isinstance(body, dict)}

    @property
    def plain_resources(self) -> list[str]:
        """The names of the expanded template's resources that SAM did not generate, sorted."""
        written = self.template.resources
        return sorted(
            name for name in self.resources if not str(written.get(name, {}).get("Type", _SAM)).startswith(_SAM)
        )

    def of_type(self, *types: str) -> list[Resource]:
        """The expanded resources of these types."""
        return [resource for resource in self.resources.values() if resource.type in types]

    def named(self, value: object, *types: str) -> list[Resource]:
        """The resources of these types that a value refers to."""
        found = (self.resources[name] for name in sorted(references(value)) if name in self.resources)
        return [resource for resource in found if not types or resource.type in types]

    # --- functions ---------------------------------------------------------------------------------------------------

    @cached_property
    def functions(self) -> list[Resource]:
        """Every Lambda function."""
        return self.of_type("AWS::Lambda::Function")

    @cached_property
    def hooks(self) -> list[Resource]:
        """Deployment hooks: functions that CodeDeploy invokes during a deployment, or that have a hook's name."""
        policies = [alias.body.get("UpdatePolicy") for alias in self.of_type("AWS::Lambda::Alias")]
        called = {
            resource.logical_id
            for name in ("BeforeAllowTrafficHook", "AfterAllowTrafficHook")
            for policy in policies
            for resource in self.named(list(at(policy, "CodeDeployLambdaAliasUpdate", name)))
        }
        return [each for each in self.functions if each.logical_id in called or self._is_named_as_hook(each)]

    def _is_named_as_hook(self, function: Resource) -> bool:
        return text(function.properties.get("FunctionName", "")).startswith(HOOK_NAME)

    @cached_property
    def reached(self) -> list[Resource]:
        """Functions that events reach, except deployment hooks."""
        names = {source.function for source in self.sources}
        hooks = {hook.logical_id for hook in self.hooks}
        return [each for each in self.functions if each.logical_id in names - hooks]

    def alias_of(self, function: Resource) -> Resource | None:
        """The alias that is moved to a new version of the function."""
        aliases = self.of_type("AWS::Lambda::Alias")
        return next((each for each in aliases if function.logical_id in self._functions_behind(each)), None)

    def deployment_group_of(self, function: Resource) -> Resource | None:
        """The CodeDeploy deployment group that moves the function's alias."""
        alias = self.alias_of(function)
        if alias is None:
            return None
        policy = list(at(alias.body.get("UpdatePolicy"), "CodeDeployLambdaAliasUpdate", "DeploymentGroupName"))
        return next(iter(self.named(policy, "AWS::CodeDeploy::DeploymentGroup")), None)

    # --- events ------------------------------------------------------------------------------------------------------

    @cached_property
    def sources(self) -> list[Source]:
        """Every source of events that reach a function of the template."""
        return [*self._mappings(), *self._permissions(), *self._targets()]

    def kinds_of(self, function: Resource) -> set[str]:
        """The kinds of sources whose events reach a function."""
        return {source.kind for source in self.sources if source.function == function.logical_id}

    def mappings(self, *kinds: str) -> list[Resource]:
        """The event source mappings of these kinds."""
        return [
            source.by
            for source in self.sources
            if source.by.type == "AWS::Lambda::EventSourceMapping" and source.kind in kinds
        ]

    def _mappings(self) -> Iterator[Source]:
        for mapping in self.of_type("AWS::Lambda::EventSourceMapping"):
            read = self.named(mapping.properties.get("EventSourceArn"))
            is_stream = any(each.type in _STREAMS for each in read) or "StartingPosition" in mapping.properties
            yield from self._reaching(
                "stream" if is_stream else "queue", mapping, mapping.properties.get("FunctionName")
            )

    def _permissions(self) -> Iterator[Source]:
        for permission in self.of_type("AWS::Lambda::Permission"):
            service = text(permission.properties.get("Principal", "")).partition(".")[0]
            kind = "asynchronous" if service in _ASYNCHRONOUS else "synchronous"
            yield from self._reaching(kind, permission, permission.properties.get("FunctionName"))

    def _targets(self) -> Iterator[Source]:
        for rule in self.of_type("AWS::Events::Rule"):
            for target in at(rule.properties, "Targets", "Arn"):
                yield from self._reaching("asynchronous", rule, target)
        for schedule in self.of_type("AWS::Scheduler::Schedule"):
            for target in at(schedule.properties, "Target", "Arn"):
                yield from self._reaching("asynchronous", schedule, target)
        for source in self.of_type("AWS::AppSync::DataSource"):
            for target in at(source.properties, "LambdaConfig", "LambdaFunctionArn"):
                yield from self._reaching("synchronous", source, target)

    def _reaching(self, kind: str, by: Resource, target: object) -> Iterator[Source]:
        for named in self.named(target):
            for function in self._functions_behind(named):
                yield Source(kind, function, by, target)

    def _functions_behind(self, resource: Resource) -> list[str]:
        if resource.type == "AWS::Lambda::Function":
            return [resource.logical_id]
        if resource.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            found = self.named(resource.properties.get("FunctionName"), "AWS::Lambda::Function")
            return [each.logical_id for each in found]
        return []

    @cached_property
    def dead_letter_queues(self) -> list[Resource]:
        """Queues that other resources of the stack send failed events to."""
        properties = [resource.properties for resource in self.resources.values()]
        settings = (each for name in _DEAD_LETTERS for each in within(properties, name))
        names = {queue.logical_id for each in settings for queue in self.named(each, "AWS::SQS::Queue")}
        return [queue for queue in self.of_type("AWS::SQS::Queue") if queue.logical_id in names]

    # --- state machines ----------------------------------------------------------------------------------------------

    @cached_property
    def state_machines(self) -> list[StateMachine]:
        """Every state machine, with its definition."""
        return list(state_machines(self.template, self.expanded))

    # --- permissions -------------------------------------------------------------------------------------------------

    def statements(self, role: Resource | None = None) -> Iterator[tuple[Resource, dict[str, Any]]]:
        """Each statement of an identity policy with the resource that contains it; with a role, only that role's."""
        for holder in self.of_type("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            own = holder.type == "AWS::IAM::Role"
            if role and holder != role and (own or role not in self.named(holder.properties.get("Roles"))):
                continue
            path = ("Policies", "PolicyDocument", "Statement") if own else ("PolicyDocument", "Statement")
            yield from ((holder, each) for each in mappings(holder.properties, *path))

    def role_of(self, function: Resource) -> Resource | None:
        """A function's role, if the template creates it."""
        return next(iter(self.named(function.properties.get("Role"), "AWS::IAM::Role")), None)

    # --- places ------------------------------------------------------------------------------------------------------

    def finding(self, message: str, *place: str | int) -> Finding:
        """A finding at a place of the template as it is written."""
        return Finding(self.pattern.template, self.template.line(*place), message)

    def finding_at(self, resource: Resource, message: str, *path: str | int) -> Finding:
        """A finding in the properties of an expanded resource, at the place of the template that they come from."""
        return self.finding(message, *self.place(resource.logical_id, *path))

    def finding_in(self, file: str, message: str, line: int = 1) -> Finding:
        """A finding in another file of the folder."""
        return Finding(self.pattern.folder / file, line, message)

    def place(self, logical_id: str, *path: str | int) -> Place:
        """The place of an expanded resource's property in the template: in the resource, in an event, or in Globals.

        If it is not written, the place of the resource or the event.
        """
        lines = self.template.lines
        owner = self._owner(logical_id)
        own: Place = (*owner, "Properties", *path)
        if not path or own[: len(owner) + 2] in lines:
            return own if path else owner
        shared: Place = ("Globals", "Function", *path)
        return shared if logical_id in self.template.resources and shared[:3] in lines else owner

    def nearest(self, logical_id: str, *path: str | int) -> Place:
        """The place of the last name of an expanded path that the template contains."""
        owner = self._owner(logical_id)
        for name in reversed([each for each in path if isinstance(each, str)]):
            for base in (owner, ("Globals", "Function")):
                found = (place for place in self.template.lines if place[-1:] == (name,) and place[: len(base)] == base)
                if first := next(found, None):
                    return first
        return owner

    def _owner(self, logical_id: str) -> Place:
        """The written resource that SAM generated an expanded one from, or the event of that resource."""
        source = self.written(logical_id)
        properties = self.template.resources.get(source, {}).get("Properties")
        events = {name for each in mappings(properties, "Events") for name in each}
        event = max((each for each in events if logical_id.startswith(source + each)), key=len, default=None)
        place: Place = ("Resources", source)
        return (*place, "Properties", "Events", event) if event and logical_id != source else place

    def written(self, logical_id: str) -> str:
        """The written resource that SAM generated an expanded one from: the longest name that it begins with."""
        fitting = [name for name in self.template.resources if logical_id.startswith(name)]
        return max(fitting, key=len, default=logical_id)

    def where(self, resource: Resource, words: str) -> Place:
        """The place in a resource of a text; the resource if it does not contain it."""
        place: Place = ("Resources", self.written(resource.logical_id))
        found = _find(self.template.resources.get(str(place[1]), {}), words, place)
        return found or self.place(resource.logical_id)


def _mappings_of(section: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: each if isinstance(each, dict) else {} for name, each in section.items()}


def _find(value: object, words: str, place: Place) -> Place | None:
    if value == words:
        return place
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return next((found for name, each in pairs if (found := _find(each, words, (*place, name)))), None)
