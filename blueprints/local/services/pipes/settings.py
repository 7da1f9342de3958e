"""Keeps the parameters of a pipe's source and target, which the base emulator ignores."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import wrap

CREATE = Internal("services.pipes", "_create_pipe", ("name", "body"))
UPDATE = Internal("services.pipes", "_update_pipe", ("name", "body"))
DESCRIBE = Internal("services.pipes", "_describe_response", ("pipe",))
PIPES = Internal("services.pipes", "_pipes")

_KEPT = ("SourceParameters", "TargetParameters")

_Pipe = dict[str, Any]


def install() -> None:
    """Keep the parameters of every pipe that is created or changed, and describe them."""
    CREATE.replace(_keeping(CREATE.current(), new=True))
    UPDATE.replace(_keeping(UPDATE.current(), new=False))
    describe: Callable[[_Pipe], _Pipe] = DESCRIBE.current()
    DESCRIBE.replace(lambda pipe: {**describe(pipe), **{name: pipe[name] for name in _KEPT if pipe.get(name)}})
    wrap("AWS::Pipes::Pipe", create=_keeping_properties(1), update=_keeping_properties(2))


def is_complete(pipe: _Pipe) -> bool:
    """Whether the parameters are there; they follow a moment after the base emulator has created the pipe."""
    return all(name in pipe for name in _KEPT)


def _keep(name: str, given: _Pipe, *, new: bool) -> None:
    pipe = PIPES.current().get(name)
    for each in _KEPT if pipe is not None else ():
        if new or each in given:
            pipe[each] = given.get(each) or {}


def _keeping(operation: Callable[[str, _Pipe], Any], *, new: bool) -> Callable[[str, _Pipe], Any]:
    def kept(name: str, body: _Pipe) -> Any:
        answer = operation(name, body)
        if answer[0] == 200:
            _keep(name, body, new=new)
        return answer

    return kept


def _keeping_properties(position: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap a handler of templates; its argument at that position has the properties."""

    def wrapper(provision: Callable[..., Any]) -> Callable[..., Any]:
        def kept(*arguments: Any, **options: Any) -> Any:
            name, attributes = provision(*arguments, **options)
            _keep(name, arguments[position], new=True)
            return name, attributes

        return kept

    return wrapper
