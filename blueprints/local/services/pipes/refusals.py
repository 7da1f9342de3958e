"""Refuses pipes with a source, a target or a setting that is not emulated, by API and by template.

The base emulator accepts every pipe, and ignores what it does not know.
"""

from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import ResourceFailed, wrap
from blueprints.local.base.stream_source import service_of
from blueprints.local.services.lambda_ import filter_refusal

CREATE = Internal("services.pipes", "_create_pipe", ("name", "body"))
UPDATE = Internal("services.pipes", "_update_pipe", ("name", "body"))
ERROR = Internal("services.pipes", "_error", ("status", "code", "message"))

_SOURCES, _TARGETS = ("dynamodb", "sqs"), ("states", "lambda", "sns", "sqs")
_NAMED_TARGETS = "state machines, functions, and standard queues and topics"
_REMEDY = "A Lambda function with an event source mapping does the same here and on AWS."

_Body = dict[str, Any]


def install() -> None:
    """Check every pipe that is created or changed."""
    CREATE.replace(_checked_request(CREATE.current()))
    UPDATE.replace(_checked_request(UPDATE.current()))
    wrap("AWS::Pipes::Pipe", create=_checked_properties(1), update=_checked_properties(2))


def refusal(pipe: _Body) -> str | None:
    """Why a pipe with these properties is refused; None if it is not. Properties that are missing are not checked."""
    source, target = str(pipe.get("Source") or ""), str(pipe.get("Target") or "")
    if source and service_of(source) not in _SOURCES:
        return f"Source {source}: pipes read queues and DynamoDB streams only in the embedded AWS. {_REMEDY}"
    if target and (service_of(target) not in _TARGETS or target.endswith(".fifo")):
        return f"Target {target}: in the embedded AWS, pipes send to {_NAMED_TARGETS} only. {_REMEDY}"
    ignored = next(_ignored_settings(pipe), None)
    if ignored:
        return f"{ignored} of pipes is not emulated by the embedded AWS."
    return filter_refusal(pipe.get("SourceParameters") or {}, service_of(source))


def _ignored_settings(pipe: _Body) -> Iterator[str]:
    if pipe.get("Enrichment"):
        yield "Enrichment"
    source, target = pipe.get("SourceParameters") or {}, pipe.get("TargetParameters") or {}
    if (source.get("DynamoDBStreamParameters") or {}).get("DeadLetterConfig"):
        yield "DeadLetterConfig"
    if target.get("InputTemplate"):
        yield "InputTemplate"


def _checked_request(operation: Callable[[str, _Body], Any]) -> Callable[[str, _Body], Any]:
    def checked(name: str, body: _Body) -> Any:
        problem = refusal(body)
        return ERROR.current()(400, "ValidationException", problem) if problem else operation(name, body)

    return checked


def _checked_properties(position: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap a handler of templates so that it first checks the properties, its argument at that position."""

    def wrapper(provision: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*arguments: Any, **options: Any) -> Any:
            problem = refusal(arguments[position])
            if problem:
                raise ResourceFailed(problem)
            return provision(*arguments, **options)

        return checked

    return wrapper
