"""Runs the lake's Spark job in this process, and prints what it took: CPU seconds and peak memory of all processes.

It runs in the environment of a Glue version, without this project's packages. Arguments: the script of the job, and the
job's arguments.
"""

import json
import os
import re
import runpy
import sys
import time
from pathlib import Path


def main(script: Path) -> None:
    """Run the script, then measure Python, the JVM and Spark's Python workers, which still run."""
    sys.path.insert(0, str(script.parent))
    sys.argv = [str(script), *sys.argv[2:]]
    began = time.perf_counter()
    runpy.run_path(str(script), run_name="__main__")
    wall = time.perf_counter() - began
    processes = [os.getpid(), *_descendants(os.getpid())]
    print(json.dumps({"wall": wall, "cpu": sum(map(_cpu_of, processes)), "peak": sum(map(_peak_of, processes))}))


def _descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task").glob("*/children")
    found = [int(each) for path in children for each in path.read_text(encoding="ascii").split()]
    return [each for child in found for each in (child, *_descendants(child))]


def _cpu_of(process: int) -> float:
    """CPU seconds of a process and of the children that it waited for."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _peak_of(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
