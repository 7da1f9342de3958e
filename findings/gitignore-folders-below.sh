#!/usr/bin/env bash
# pathspec 1.1.1 reads the .gitignore pattern `docs/**/` as the folder docs itself; for git it is each folder below docs.
#
# gitignore(5): "A trailing "/**" matches everything inside", and a slash at the end keeps a pattern to folders. So a file
# that lies in docs directly is not ignored, and one in docs/api is.
#
# Seen:    git: docs/api/page.html ignored; docs/index.html kept
#          pathspec 1.1.1: docs/api/page.html ignored; docs/index.html ignored
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pathspec==1.1.1
mkdir -p "$folder/repository/docs/api"
cd "$folder/repository"
git init --quiet
echo 'docs/**/' > .gitignore
touch docs/index.html docs/api/page.html
cat > "$folder/compare.py" <<'PYTHON'
import subprocess
from importlib.metadata import version

from pathspec import GitIgnoreSpec

FILES = ("docs/api/page.html", "docs/index.html")


def told(who, ignored):
    print(f"{who}: " + "; ".join(f"{file} {'ignored' if file in ignored else 'kept'}" for file in FILES))


asked = subprocess.run(["git", "check-ignore", *FILES], capture_output=True, text=True, check=False)
told("git", asked.stdout.splitlines())
with open(".gitignore") as patterns:
    spec = GitIgnoreSpec.from_lines(patterns)
told(f"pathspec {version('pathspec')}", set(spec.match_files(FILES)))
PYTHON
"$folder/venv/bin/python" "$folder/compare.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
git: docs/api/page.html ignored; docs/index.html kept
pathspec 1.1.1: docs/api/page.html ignored; docs/index.html ignored
SEEN
