"""What a service adds to the base emulator, in one place: the `EXTENSION` of its folder below `services/`.

Every folder there has an `Extension` of this name in its `__init__`. The server finds the folders, checks the internals
of the base emulator that their modules use, installs the extensions, and resets and closes them; adding a service means
adding a folder.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.abc import InspectLoader
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal, internals_in

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Part = TypeVar("Part")

IamResource = Callable[[dict[str, Any], dict[str, Any]], str | None]
"""From a request's JSON body and query to the resource part of an ARN, such as `project/web`, or None.

A result that starts with `arn:` is a whole ARN. None leaves the question to the base emulator.
"""


@dataclass(frozen=True)
class Route:
    """Requests that an extension answers instead of the base emulator, as an ASGI application."""

    takes: Callable[[Scope], bool]
    """Whether a request is for this route, by its ASGI scope."""
    answer: Callable[[Scope, Receive, Send], Awaitable[None]]
    protocol: str = "http"
    """The scope's type: `http` or `websocket`."""


@dataclass
class EmbeddedAws:
    """What extensions share while the embedded AWS is put together."""

    folder: Path
    """Where services keep their files; removed at the end."""
    endpoint: str
    """The URL at which every service answers."""
    clock: Clock
    event_targets: dict[str, Callable[..., None]] = field(default_factory=dict)
    iam_resources: dict[str, IamResource] = field(default_factory=dict)
    _parts: list[object] = field(default_factory=list)

    def offer(self, part: object) -> None:
        """Let the extensions that are installed later use a part, such as the queue of asynchronous invocations."""
        self._parts.append(part)

    def part(self, kind: type[Part]) -> Part:
        """The part of that class. Raises LookupError if no extension offered it before."""
        for part in self._parts:
            if isinstance(part, kind):
                return part
        raise LookupError(f"No extension installed so far offers {kind.__name__}; name its service in `after`.")


class Extension:
    """The part of one service that the base emulator lacks. Subclasses override what they need."""

    after: Sequence[str] = ()
    """The folders of the services to install first, because `install` uses or wraps what they provide."""

    def install(self, aws: EmbeddedAws) -> None:
        """Replace internals of the base emulator, and start what has to run. Called once."""

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        """CloudFormation resource types that the base emulator lacks: `create`, `update` and `delete` by type."""
        return {}

    def event_targets(self) -> Mapping[str, Callable[..., None]]:
        """Targets of EventBridge rules, by the service in their ARN: functions of the target, the event and the rule.

        A function that cannot deliver calls `fail` of the delivery `base.delivery.under_way`.
        """
        return {}

    def iam_resources(self) -> Mapping[str, IamResource]:
        """Which resource a request is about, by service, where the base emulator does not know."""
        return {}

    def routes(self) -> Sequence[Route]:
        """Requests to answer instead of the base emulator; earlier ones win."""
        return ()

    def notes(self) -> Sequence[str]:
        """What differs from AWS on this machine, in sentences for the user."""
        return ()

    def reset(self) -> None:
        """Empty the account: forget every resource of the service, and end what runs for it."""

    def close(self) -> None:
        """End everything that was started, before the process ends."""


@dataclass(frozen=True)
class Installable:
    """A service's folder: its name, its extension, and the internals that its modules use."""

    name: str
    extension: Extension
    internals: tuple[Internal, ...]


def find_extensions(services: ModuleType) -> list[Installable]:
    """The extensions of every folder of a package, in the order in which they are to be installed.

    Raises LookupError for a folder without `EXTENSION`, for a name in `after` that no folder has, and for a circle.
    """
    names = [each.name for each in pkgutil.iter_modules(services.__path__) if each.ispkg]
    return list(_in_order({name: _load(services, name) for name in names}))


def _load(services: ModuleType, name: str) -> Installable:
    package = importlib.import_module(f"{services.__name__}.{name}")
    extension = getattr(package, "EXTENSION", None)
    if not isinstance(extension, Extension):
        raise LookupError(  # noqa: TRY004 - a missing one is no wrong type
            f"{package.__name__} has no EXTENSION; define one as {Extension.__module__} describes."
        )
    return Installable(name, extension, tuple(internals_below(package)))


def internals_below(package: ModuleType) -> Iterator[Internal]:
    """The internals of every module in the folder, so that none can be forgotten.

    Modules whose source has no `Internal(` are not imported: some need libraries that are large or optional.
    """
    yield from internals_in(package)
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if _may_have_internals(each.name):
            yield from internals_in(importlib.import_module(each.name))


def _may_have_internals(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    source = spec.loader.get_source(module) if spec and isinstance(spec.loader, InspectLoader) else None
    return source is None or f"{Internal.__name__}(" in source


def _in_order(found: dict[str, Installable]) -> Iterator[Installable]:
    waiting = dict(sorted(found.items()))
    while waiting:
        ready = [name for name, each in waiting.items() if not set(each.extension.after) & set(waiting)]
        if not ready:
            raise LookupError(f"Extensions wait for each other: {', '.join(waiting)}.")
        for name in ready:
            each = waiting.pop(name)
            unknown = set(each.extension.after) - set(found)
            if unknown:
                raise LookupError(
                    f"The extension {name} is to come after {', '.join(sorted(unknown))}: no such folder."
                )
            yield each


def install_all(extensions: Iterable[Installable], aws: EmbeddedAws, registry: dict[str, Any]) -> list[Route]:
    """Install extensions in their order, add their types to CloudFormation's registry, and return their routes.

    Raises LookupError if two extensions have the same resource type, event target or service of IAM resources.
    """
    routes: list[Route] = []
    owners: dict[tuple[str, str], str] = {}
    for each in extensions:
        each.extension.install(aws)
        types = {name: dict(handlers) for name, handlers in each.extension.resource_types().items()}
        targets, resources = each.extension.event_targets(), each.extension.iam_resources()
        for kind, names in (("resource type", types), ("event target", targets), ("IAM resource", resources)):
            for name in names:
                owner = owners.setdefault((kind, name), each.name)
                if owner != each.name:
                    raise LookupError(f"The extensions {owner} and {each.name} both have the {kind} {name}.")
        registry.update(types)
        aws.event_targets.update(targets)
        aws.iam_resources.update(resources)
        routes.extend(each.extension.routes())
    return routes
