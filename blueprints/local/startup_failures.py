"""Explains why a function does not start here, and says that Lambda would fail too only where that is certain."""

import re
from dataclasses import dataclass
from pathlib import Path

from blueprints.packaging.interpreters import StandIn
from blueprints.packaging.lock import how_to_lock
from blueprints.pattern import REQUIREMENTS, Function

_SAME = "It would fail the same way on Lambda."
_NO_MODULE = re.compile(r"No module named '(?P<name>[\w.]+)'")
_FROM_THE_FUNCTION = re.compile(r"[\w.]+: ")
# The dynamic loader's messages for a missing library, or one built for another machine or system.
_LIBRARY = re.compile(
    r"invalid ELF header|wrong ELF class|cannot open shared object file|undefined symbol|GLIBC(?:XX)?_[\d.]+|"
    r"Exec format error|mach-o|DLL load failed|incompatible architecture|not a valid Win32",
    re.IGNORECASE,
)
_PROGRAM = re.compile(r"(?:FileNotFoundError|NotADirectoryError).*No such file or directory: '(?P<name>[\w.+-]+)'")
_MISSING_FILE = re.compile(r"FileNotFoundError.*No such file or directory: '(?P<name>[^'\n]+)'")
_STARTS_A_PROGRAM = re.compile(r"_execute_child|os\.exec|posix_spawn")
_NETWORK = re.compile(
    r"Name or service not known|Temporary failure in name resolution|nodename nor servname|Network is unreachable|"
    r"Connection refused|ConnectTimeout|EndpointConnectionError|Could not connect to the endpoint|NewConnectionError|"
    r"URLError"
)
_AWS = re.compile(r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation")
# Modules that came into the standard library, or left it, from Python 3.9 to 3.14.
_STANDARD_IN_SOME_VERSIONS = re.compile(
    "aifc|annotationlib|asynchat|asyncore|audioop|binhex|cgi|cgitb|chunk|compression|crypt|distutils|formatter|graphlib|"
    "imghdr|imp|lib2to3|mailcap|msilib|nis|nntplib|ossaudiodev|parser|pipes|smtpd|sndhdr|spwd|sunau|symbol|telnetlib|"
    "tomllib|uu|xdrlib|zoneinfo"
)
_SLOW = re.compile(r"timed out|Timedout|Init.*timeout", re.IGNORECASE)
_MEMORY = re.compile(r"MemoryError|OutOfMemory|signal: killed|exit status 137|SIGKILL")


@dataclass(frozen=True)
class Facts:
    """What is known about a function that does not start."""

    top: Path | None = None
    """The folder of its template."""
    function: Function | None = None
    python: StandIn | None = None
    """The Python that runs it here."""
    layers: bool = False


def advice(error: str, log: str, facts: Facts) -> str:
    """What to do about an error at a function's start, followed by its log."""
    said = _explained(error, f"{error}\n{log}", facts)
    log = "\n".join(line for line in log.splitlines() if "LAMBDA_WARNING:" not in line)  # says nothing of the cause
    return f"{said} Its log:\n{log}" if log else said


def _explained(error: str, text: str, facts: Facts) -> str:
    if not _FROM_THE_FUNCTION.match(error):
        return "The embedded AWS cannot run it; it may work on Lambda."
    if _LIBRARY.search(text):
        return (
            "A compiled library does not fit this machine; it may work on Lambda. Point CodeUri at the folder of the "
            "sources, not at what 'sam build' made on another machine: the packages are then installed for this one."
        )
    module = _NO_MODULE.search(text)
    if facts.python and not facts.python.is_wanted and _depends_on_python(text, module):
        return (
            f"It may work on Lambda: here it runs on {facts.python}. "
            f"'uv python install {facts.python.wanted}' installs that Python."
        )
    if module:
        return _without_module(module["name"], facts)
    program = _PROGRAM.search(text)
    if program and _STARTS_A_PROGRAM.search(text):
        return (
            f"The program '{program['name']}' is not on this machine's PATH. Lambda has it only if the package, a "
            "layer or Lambda's own image contains it: put it into the code folder, or into bin/ of a layer."
        )
    file = _MISSING_FILE.search(text)
    if file:
        return _without_file(file["name"], facts)
    return _of_the_surroundings(text) or _SAME


def _without_file(name: str, facts: Facts) -> str:
    """Advice about a missing file: of the package, or of the machine."""
    relative = name.removeprefix("/var/task/")
    if relative.startswith("/"):
        return f"There is no {name} on this machine; on Lambda that depends on its image and the function's layers."
    if facts.function is None or facts.top is None:
        return f"There is no {relative} in its package."
    folder = facts.function.code
    if (folder / relative).exists():
        return (
            f"{folder.name}/{relative} is left out of packages here, though 'sam build' may take it; 'blueprints "
            "build' lists what is left out. Write settings as Environment variables into the template, and give "
            "other files another name."
        )
    if (facts.top / relative).exists():
        return f"{_SAME} {relative} lies outside the code folder {folder.name}/: move it into {folder.name}/."
    return f"{_SAME} There is no {relative} in {folder.name}/."


def _depends_on_python(text: str, module: re.Match[str] | None) -> bool:
    """Whether another version of Python may not have this error."""
    if module:
        return _STANDARD_IN_SOME_VERSIONS.fullmatch(module["name"].split(".", maxsplit=1)[0]) is not None
    return bool(re.search(r"ImportModuleError|SyntaxError|AttributeError", text))


def _of_the_surroundings(text: str) -> str | None:
    """Failures that depend on AWS resources, the network or the machine, and so may not happen on Lambda."""
    called = _AWS.search(text)
    if called:
        return (
            f"It calls {called['operation']} while it starts, which fails here ({called['code']}): the embedded AWS "
            "has only what the stack creates. In an account that has the resource, it may start."
        )
    if _NETWORK.search(text):
        return (
            "It opens a connection while it starts, which fails on this machine; on Lambda that depends on the "
            "function's network. Connect inside the handler, or give it an address that can be reached from here."
        )
    if _SLOW.search(text):
        return "It takes longer to start than Lambda allows. A slow or busy machine can be the reason: try again."
    if _MEMORY.search(text):
        return "It exceeds its MemorySize while it starts. Lambda measures memory slightly differently."
    return None


def _without_module(name: str, facts: Facts) -> str:
    module = name.split(".", maxsplit=1)[0]
    other_python = facts.python is not None and not facts.python.is_wanted  # it may look for other modules
    same = "" if other_python else f"{_SAME} "
    if facts.function is None or facts.top is None:
        return f"{same}If '{module}' belongs to a package, add that to the {REQUIREMENTS} of the code folder."
    folder = facts.function.code
    beside = next((each for each in (facts.top / f"{module}.py", facts.top / module) if each.exists()), None)
    if beside and not beside.is_relative_to(folder):
        return (
            f"{same}{beside.name} lies outside the code folder {folder.name}/, so it is not in the package: move it "
            f"into {folder.name}/, or into a layer."
        )
    if facts.layers:
        return (
            f"Neither the package nor its layers have '{module}'. In a layer, Python modules belong below python/; "
            f"'Metadata: {{ BuildMethod: {facts.function.runtime} }}' builds that from a folder with a {REQUIREMENTS}."
        )
    own = folder / REQUIREMENTS
    if not own.is_file() and (facts.top / REQUIREMENTS).is_file():
        return f"{same}{REQUIREMENTS} is only read in the code folder: move it into {folder.name}/."
    if own.with_suffix(".in").is_file():
        return (
            f"{same}If '{module}' belongs to a package, add that to {folder.name}/requirements.in and renew "
            f"{REQUIREMENTS} with {how_to_lock(own)}."
        )
    return f"{same}If '{module}' belongs to a package, add that to {folder.name}/{REQUIREMENTS}."
