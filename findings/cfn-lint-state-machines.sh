#!/usr/bin/env bash
# cfn-lint 1.58.0 judges definitions of state machines by a schema (rule E3601), which JSONata does not fit.
#
# AWS takes `"{% … %}"` for TimeoutSeconds of a Task and for MaxConcurrency of a Map, and a list as Output; the rule refuses
# them. AWS refuses a Next that names no state, a state that nothing leads to, and an expression that does not parse; the
# rule takes them. Source: the Amazon States Language and the Step Functions Developer Guide, "Transforming data with
# JSONata".
#
# Seen:    refused although valid: TimeoutSeconds, MaxConcurrency, Output
#          taken although invalid: missing Next, unreachable state, broken expression
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/judge.py" <<'PYTHON'
import json
import sys

from cfnlint.api import lint_all

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "work"}, "End": True}
ITEM = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
VALID = {
    "TimeoutSeconds": {"Do": {**TASK, "TimeoutSeconds": "{% $states.input.seconds %}"}},
    "MaxConcurrency": {"Do": {"Type": "Map", "MaxConcurrency": "{% $states.input.most %}", "ItemProcessor": ITEM, "End": True}},
    "Output": {"Do": {**TASK, "Output": ["{% $states.result %}"]}},
}
INVALID = {
    "missing Next": {"Do": {"Type": "Pass", "Next": "Nowhere"}},
    "unreachable state": {"Do": TASK, "Alone": {"Type": "Pass", "End": True}},
    "broken expression": {"Do": {**TASK, "Output": "{% $states.( %}"}},
}


def refused(states):
    definition = {"QueryLanguage": "JSONata", "StartAt": "Do", "States": states}
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/machine", "Definition": definition}
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    return "E3601" in {match.rule.id for match in lint_all(json.dumps({"Resources": resources}))}


print("refused although valid:", ", ".join(name for name, states in VALID.items() if refused(states)))
print("taken although invalid:", ", ".join(name for name, states in INVALID.items() if not refused(states)))
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cfn-lint==1.58.0
"$folder/venv/bin/python" "$folder/judge.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
refused although valid: TimeoutSeconds, MaxConcurrency, Output
taken although invalid: missing Next, unreachable state, broken expression
SEEN
