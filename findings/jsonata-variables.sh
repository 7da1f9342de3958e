#!/usr/bin/env bash
# jsonata2py 0.1.3 takes its own function for a variable that is bound under the name of a built-in function.
#
# In JSONata, a variable hides an outer one of its name, and built-in functions are variables of the outermost frame:
# jsonata-python 0.7.1 and the reference implementation give the bound value. An assignment inside the expression does
# hide the function in jsonata2py too, which is how blueprints/states_language/jsonata.py works around it.
#
# Seen:    bound: jsonata-python 4; jsonata2py T2001
#          assigned: jsonata-python 4; jsonata2py 4
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/evaluate.py" <<'PYTHON'
import jsonata
import jsonata2py


def reference(expression):
    compiled = jsonata.Jsonata(expression)
    frame = compiled.create_frame()
    frame.bind("count", 3)
    return compiled.evaluate({}, frame)


def translated(expression):
    bindings = jsonata2py.JsonataBindings().bind_value("count", 3)
    try:
        return jsonata2py.compile(expression).evaluate({}, bindings)
    except jsonata2py.JsonataEvaluationError as error:
        return error.error_code


for name, expression in (("bound", "$count + 1"), ("assigned", "($count := 3; $count + 1)")):
    print(f"{name}: jsonata-python {reference(expression)}; jsonata2py {translated(expression)}")
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jsonata-python==0.7.1 jsonata2py==0.1.3
"$folder/venv/bin/python" "$folder/evaluate.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
bound: jsonata-python 4; jsonata2py T2001
assigned: jsonata-python 4; jsonata2py 4
SEEN
