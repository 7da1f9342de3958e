"""Bytecode that is the same every time and is never checked against its source."""

import os
import subprocess
from pathlib import Path

from blueprints.cache import folder
from blueprints.packaging.interpreters import Interpreter


def compile_folder(code: Path, seen_as: Path | str, interpreter: Interpreter) -> str:
    """Compiles every module in `code`; tracebacks will name files below `seen_as`, where the code will lie.

    Unchecked: on Lambda /var/task is read-only, and changed file times would otherwise make Python compile afresh at
    every cold start, which costs more than half of an import. Returns what the compiler said of files that it cannot
    compile, which stay as source alone; empty when it took all.
    """
    # A fixed hash seed, so that sets among the constants come out in one order; no -I or -E, which would ignore it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONHASHSEED"] = "0"
    command = [str(interpreter.path), "-s", "-S", "-m", "compileall", "-q", "-f"]
    command += ["--invalidation-mode", "unchecked-hash"]
    # From an empty folder: the working directory comes first on the path of `python -m`.
    done = subprocess.run(
        [*command, "-s", str(code), "-p", str(seen_as), str(code)],
        cwd=folder("empty"),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):  # 1: some file did not compile
        done.check_returncode()
    return done.stdout.strip()
