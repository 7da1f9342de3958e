#!/usr/bin/env bash
# aws-sam-translator 1.115.0 makes no version of a function when only the value of a parameter changes.
#
# AutoPublishAliasAllProperties is documented to create a version when any property of the function is modified. SAM hashes
# the properties as they are written, with the references to parameters: the version keeps its logical id, and the alias
# its version, while $LATEST has the new value. A VersionDescription with the parameter does make a version: CloudFormation
# replaces a version whose description changes.
#
# Seen:    text changed: other version; parameter changed: same version, description {'Fn::Sub': 'Word ${Word}'}
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/expand.py" <<'PYTHON'
from samtranslator.translator.transform import transform


class Policies:
    def load(self):
        return {}


def version(written, word):
    properties = {
        "InlineCode": "def handler(event, context): pass",
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Environment": {"Variables": {"WORD": written}},
        "AutoPublishAlias": "live",
        "AutoPublishAliasAllProperties": True,
        "VersionDescription": {"Fn::Sub": "Word ${Word}"},
    }
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Word": {"Type": "String"}},
        "Resources": {"Say": {"Type": "AWS::Serverless::Function", "Properties": properties}},
    }
    resources = transform(template, {"Word": word, "AWS::Region": "us-east-1"}, Policies())["Resources"]
    return next((name, each["Properties"]) for name, each in resources.items() if each["Type"] == "AWS::Lambda::Version")


first, _ = version({"Ref": "Word"}, "hello")
text, _ = version("hello", "hello")
parameter, properties = version({"Ref": "Word"}, "goodbye")
print("text changed:", "same" if text == first else "other", "version; parameter changed:",
      "same" if parameter == first else "other", "version, description", properties["Description"])
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$folder/venv/bin/python" "$folder/expand.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
text changed: other version; parameter changed: same version, description {'Fn::Sub': 'Word ${Word}'}
SEEN
