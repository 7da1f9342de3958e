"""Compiles modules to reproducible bytecode that Python does not check against its source."""

import os
import subprocess
from pathlib import Path

from blueprints.cache import folder
from blueprints.packaging.interpreters import Interpreter


def compile_folder(code: Path, seen_as: Path | str, interpreter: Interpreter) -> str:
    """Compile every module in `code`. Tracebacks name files below `seen_as`, the folder that the code will run in.

    The bytecode is unchecked: Lambda changes file times and /var/task is read-only, so Python would otherwise compile
    again at every cold start, which takes more than half of an import. Returns the compiler's messages about files that
    it cannot compile and that keep only their source; empty if there are none.
    """
    # A fixed hash seed gives sets among the constants one order. -I and -E would ignore it.
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
