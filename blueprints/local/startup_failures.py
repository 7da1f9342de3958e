"""Why a function does not start, and whether it would on Lambda: said only where it is known."""

import re
from dataclasses import dataclass
from pathlib import Path

from blueprints.interpreters import StandIn
from blueprints.packaging.lock import how_to_lock
from blueprints.pattern import REQUIREMENTS, Function

_SAME = "It would fail the same way on Lambda."
_NO_MODULE = re.compile(r"No module named '(?P<name>[\w.]+)'")
_FROM_THE_FUNCTION = re.compile(r"[\w.]+: ")
# The loader's words for a library of another machine, another system, or one that is not there.
_LIBRARY = re.compile(
    r"invalid ELF header|wrong ELF class|cannot open shared object file|undefined symbol|GLIBC(?:XX)?_[\d.]+|"
    r"Exec format error|mach-o|DLL load failed|incompatible architecture|not a valid Win32",
    re.IGNORECASE,
)
_PROGRAM = re.compile(r"(?:FileNotFoundError|NotADirectoryError).*No such file or directory: '(?P<name>[\w.+-]+)'")
_NETWORK = re.compile(
    r"Name or service not known|Temporary failure in name resolution|nodename nor servname|Network is unreachable|"
    r"Connection refused|ConnectTimeout|EndpointConnectionError|Could not connect to the endpoint|NewConnectionError|"
    r"URLError"
)
_AWS = re.compile(r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation")
_SLOW = re.compile(r"timed out|Timedout|Init.*timeout", re.IGNORECASE)
_MEMORY = re.compile(r"MemoryError|OutOfMemory|signal: killed|exit status 137|SIGKILL")


@dataclass(frozen=True)
class Facts:
    """What is known of a function that does not start."""

    top: Path | None = None
    """The folder of its template."""
    function: Function | None = None
    python: StandIn | None = None
    """What runs it here."""
    layers: bool = False


def advice(error: str, log: str, facts: Facts) -> str:
    """What to do about an error at a function's start, with its log."""
    said = _explained(error, f"{error}\n{log}", facts)
    return f"{said} Its log:\n{log}" if log else said


def _explained(error: str, text: str, facts: Facts) -> str:
    if not _FROM_THE_FUNCTION.match(error):
        return "It is the embedded AWS that cannot run it; on Lambda it may work."
    if _LIBRARY.search(text):
        return (
            "A compiled library does not fit this machine, which says nothing about Lambda. Name the folder of the "
            "sources as CodeUri, not what 'sam build' made for another machine; the packages are then installed for "
            "this one."
        )
    if facts.python and not facts.python.is_wanted and re.search(r"ImportModuleError|SyntaxError|AttributeError", text):
        return (
            f"It may work on Lambda: here it runs on {facts.python}. "
            f"'uv python install {facts.python.wanted}' gives this machine that Python."
        )
    module = _NO_MODULE.search(text)
    if module:
        return _without_module(module["name"], facts)
    program = _PROGRAM.search(text)
    if program:
        return (
            f"The program '{program['name']}' is not on this machine's path. On Lambda it is there only if the "
            "package, a layer or Lambda's system brings it: put it into the code folder, or into a layer's bin/."
        )
    return _of_the_surroundings(text) or _SAME


def _of_the_surroundings(text: str) -> str | None:
    """Failures that come from what is around the function here, and may not be around it on Lambda."""
    called = _AWS.search(text)
    if called:
        return (
            f"It calls {called['operation']} while it starts, and what that names is not in this AWS "
            f"({called['code']}): there is what the stack makes, and nothing else. On an account that has "
            "it, it would start."
        )
    if _NETWORK.search(text):
        return (
            "It opens a connection while it starts, which fails on this machine; on Lambda that depends on the "
            "function's network. Connect inside the handler, or give it an address that answers here."
        )
    if _SLOW.search(text):
        return "It takes longer to start than Lambda allows; a slow or busy machine can be the reason, so try again."
    if _MEMORY.search(text):
        return "It needs more than its MemorySize while it starts. Memory is counted a little differently on Lambda."
    return None


def _without_module(name: str, facts: Facts) -> str:
    module = name.split(".", maxsplit=1)[0]
    if facts.function is None or facts.top is None:
        return f"{_SAME} If '{module}' is of a package, name that in the {REQUIREMENTS} of the code folder."
    folder = facts.function.code
    beside = next((each for each in (facts.top / f"{module}.py", facts.top / module) if each.exists()), None)
    if beside and not beside.is_relative_to(folder):
        return (
            f"{_SAME} {beside.name} lies outside the code folder {folder.name}/, and Lambda gets nothing else: move it "
            f"into {folder.name}/, or into a layer."
        )
    if facts.layers:
        return (
            f"Neither the package nor its layers have '{module}'. A layer has Python modules below python/; "
            f"'Metadata: {{ BuildMethod: {facts.function.runtime} }}' makes that of a folder with a {REQUIREMENTS}."
        )
    own = folder / REQUIREMENTS
    if not own.is_file() and (facts.top / REQUIREMENTS).is_file():
        return f"{_SAME} {REQUIREMENTS} is read in the code folder alone: move it into {folder.name}/."
    if own.with_suffix(".in").is_file():
        return (
            f"{_SAME} If '{module}' is of a package, name that in {folder.name}/requirements.in and make "
            f"{REQUIREMENTS} anew with {how_to_lock(own)}."
        )
    return f"{_SAME} If '{module}' is of a package, name that in {folder.name}/{REQUIREMENTS}."
