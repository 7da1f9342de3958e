#!/usr/bin/env bash
# quickjs-ng 0.17.0.2 (the Python package) does not tell that a module failed.
#
# A module that throws while it is evaluated rejects its promise (ECMA-262, 16.2.1.6.1.2). `Context.module` returns as if
# nothing had happened, and no pending job tells later; what the module had to define is missing. `Context.eval` of the
# same text raises JSException.
#
# Seen:    script: JSException; module: no error; defined after it: undefined
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/modules.py" <<'PYTHON'
import quickjs


def outcome(evaluate):
    try:
        evaluate("null.member; globalThis.loaded = true;")
    except quickjs.JSException:
        return "JSException"
    return "no error"


context = quickjs.Context()
print("script:", outcome(context.eval))
print("module:", outcome(context.module))
while context.execute_pending_job():
    pass
print("defined after it:", context.eval("typeof loaded"))
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check quickjs-ng==0.17.0.2
"$folder/venv/bin/python" "$folder/modules.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
script: JSException
module: no error
defined after it: undefined
SEEN
