"""Commands that a person runs against a deployed stack, such as a pattern's `replay.py`.

All of them take the same first arguments and end with the same statuses. They need boto3, which handlers do not import.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["CommandFailed", "Stack", "arguments", "run"]

FAILED, INTERRUPTED = 2, 130
LONGEST_INVOCATION = 900  # seconds, Lambda's limit


class CommandFailed(Exception):
    """The command cannot do its work; the message says why."""


class Outputs(dict[str, str]):
    """The outputs of a stack by name. Looking up one that the stack lacks raises CommandFailed."""

    def __init__(self, stack: str, outputs: dict[str, str]) -> None:
        super().__init__(outputs)
        self._stack = stack

    def __missing__(self, name: str) -> NoReturn:
        raise CommandFailed(f"{self._stack} has no output {name}; is it a stack of this template?")


@dataclass(frozen=True)
class Stack:
    """A deployed stack. `client` makes a client of a service, for the account and Region of the stack."""

    name: str
    outputs: Outputs
    client: Callable[[str], Any]


def arguments(description: str | None, *, statuses: str) -> argparse.ArgumentParser:
    """A parser with the arguments that all commands take. `statuses` says when the command ends with 0 and with 1."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Ends with {statuses}, 2 when the stack or what it holds cannot be looked up, 130 when interrupted.",
    )
    parser.add_argument("stack", metavar="STACK_NAME")
    parser.add_argument("--profile", help="profile of your AWS configuration that gives credentials and Region")
    parser.add_argument("--region", help="Region of the stack")
    return parser


def run(
    parser: argparse.ArgumentParser, work: Callable[[Stack, argparse.Namespace], int], *, when_interrupted: str
) -> int:
    """Parse the command line, find the stack and do the work; returns the exit status."""
    given = parser.parse_args()
    try:
        return work(_find(given.stack, _session(given.profile, given.region)), given)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted; {when_interrupted}", file=sys.stderr)
        return INTERRUPTED
    except (CommandFailed, BotoCoreError, ClientError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED


def _session(profile: str | None, region: str | None) -> Any:
    import boto3

    return boto3.Session(profile_name=profile, region_name=region)


def _find(name: str, session: Any) -> Stack:
    def client(service: str) -> Any:
        # An invocation is waited for to its end: sent again meanwhile, it would run beside the first.
        read_timeout = LONGEST_INVOCATION + 10 if service == "lambda" else 60
        retries = {"mode": "standard", "total_max_attempts": 3}
        return session.client(
            service, config=Config(connect_timeout=5, read_timeout=read_timeout, tcp_keepalive=True, retries=retries)
        )

    try:
        described = client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise CommandFailed(f"{name} cannot be looked up: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    return Stack(name, Outputs(name, outputs), client)
