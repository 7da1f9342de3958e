#!/usr/bin/env bash
# CPython maps and unmaps memory thousands of times in one import, depending on how deep in calls it happens.
#
# Python frames lie in chunks of 16 KB. When a call does not fit into the chunk, another one is mapped, and unmapped when
# the call returns. An import that happens near the end of a chunk crosses this edge again and again: each time two
# system calls and four page faults. So the same import costs up to twice the page faults, and on a Lambda function's
# cold start some 20 ms, only because of the number of callers above it.
#
# Page faults of `import botocore.session` on Linux x86-64, 0 to 200 calls deep: CPython 3.11.7 with botocore 1.43.106:
# 5,720 to 8,327; CPython 3.13.0 with botocore 1.44.5: 5,968 to 11,647.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python=""
for candidate in python3.13 python3.12 python3.11 python3; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { echo "needs Python 3.11, 3.12 or 3.13"; exit 2; }

"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check botocore==1.43.106

cat > "$work/deep.py" <<'PYTHON'
import resource
import sys


def deeper(calls):
    if calls:
        return deeper(calls - 1)
    import botocore.session


deeper(int(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
PYTHON

"$work/venv/bin/python" "$work/deep.py" 0 >/dev/null  # writes the bytecode
"$work/venv/bin/python" - "$work/deep.py" <<'PYTHON'
import platform
import subprocess
import sys

faults = {}
for calls in range(0, 200, 4):
    done = subprocess.run([sys.executable, sys.argv[1], str(calls)], capture_output=True, text=True, check=True)
    faults[calls] = int(done.stdout)
least, most = min(faults, key=faults.get), max(faults, key=faults.get)
print(f"CPython {platform.python_version()}: {faults[least]:,} page faults {least} calls deep, {faults[most]:,} at {most}")
sys.exit(0 if faults[most] > 1.15 * faults[least] else "the depth makes no difference any more")
PYTHON
