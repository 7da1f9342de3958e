"""SAM's own command line, in a process that is started once."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uv import find_uv_bin

SAM_PYTHON = ["tool", "run", "--from", "aws-sam-cli==1.170.0", "python"]

Run = Callable[..., str]

# SAM's command line, imported once; then a process of its own for each line, which names its folder and arguments.
_COMMANDS = """
    import json, os, sys
    from samcli.cli.main import cli
    from samcli.commands.deploy import command
    from samcli.commands.package import command
    from samcli.commands.publish import command
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        process = os.fork()
        if process == 0:
            os.chdir(folder)
            os.dup2(os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(1, 2)
            cli(arguments, prog_name="sam")
            os._exit(98)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@contextmanager
def sam_command_line(cloud: Any, home: Path) -> Iterator[Callable[[Path, list[str]], tuple[int, str]]]:
    """A function that runs SAM's command line against an embedded AWS; uv installs SAM where it is not in its cache.

    It takes the working directory and the arguments, and returns the exit status and the output.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **cloud.environment(),
        "AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY": cloud.endpoint,
        "SAM_CLI_TELEMETRY": "0",
        "HOME": str(home),
        "UV_CACHE_DIR": subprocess.check_output([find_uv_bin(), "cache", "dir"], text=True).strip(),
        "UV_PYTHON": sys.executable,
    }
    command = [find_uv_bin(), *SAM_PYTHON, "-c", textwrap.dedent(_COMMANDS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as running:

        def run(folder: Path, arguments: list[str]) -> tuple[int, str]:
            assert running.stdin
            assert running.stdout
            running.stdin.write(json.dumps([str(folder), [str(each) for each in arguments]]) + "\n")
            running.stdin.flush()
            return int(running.stdout.readline()), (folder / "output.txt").read_text()

        yield run
