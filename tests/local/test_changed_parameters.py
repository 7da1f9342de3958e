"""A parameter that changes alone reaches the alias of a state machine by the version of the function that it calls."""

import json
import uuid

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.deployment import deploy

TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {"Word": {"Type": "String"}},
    "Resources": {
        "Say": {
            "Type": "AWS::Serverless::Function",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "InlineCode": "import os\n\ndef handler(event, context):\n    return os.environ['WORD']\n",
                "Handler": "index.handler",
                "Runtime": "python3.13",
                "Timeout": 30,
                "Environment": {"Variables": {"WORD": {"Ref": "Word"}}},
                "AutoPublishAlias": "live",
                "AutoPublishAliasAllProperties": True,
                "VersionDescription": {"Fn::Sub": "Word ${Word}"},
            },
        },
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Type": "EXPRESS",
                "Definition": {
                    "StartAt": "Ask",
                    "States": {"Ask": {"Type": "Task", "Resource": "${Say}", "End": True}},
                },
                "DefinitionSubstitutions": {"Say": {"Ref": "Say.Version"}},
                "Policies": [
                    {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "lambda:InvokeFunction",
                                "Resource": {"Fn::Sub": "${Say.Arn}:*"},
                            }
                        ]
                    }
                ],
                "AutoPublishAlias": "live",
            },
        },
    },
    "Outputs": {
        "Alias": {"Value": {"Ref": "MachineAliaslive"}},
        "Version": {"Value": {"Ref": "Say.Version"}},
    },
}


def test_a_changed_parameter_reaches_the_alias_of_a_state_machine(cloud):
    name = f"parameters-{uuid.uuid4().hex[:12]}"
    states, aws_lambda = cloud.client("stepfunctions"), cloud.client("lambda")

    def deployed(word):
        outputs = deploy(cloud, name, json.dumps(TEMPLATE), {"Word": word}).outputs
        said = states.start_sync_execution(stateMachineArn=outputs["Alias"]).get("output")
        return outputs, json.loads(said)

    first, said = deployed("hello")
    second, answered = deployed("goodbye")

    assert (said, answered) == ("hello", "goodbye")
    assert first["Version"] != second["Version"]
    old = aws_lambda.get_function_configuration(FunctionName=first["Version"])  # for executions that began before
    assert old["Environment"]["Variables"] == {"WORD": "hello"}


def test_a_description_of_more_than_256_characters_is_refused_as_lambda_does(cloud):
    name = f"parameters-{uuid.uuid4().hex[:12]}"
    deploy(cloud, name, json.dumps(TEMPLATE), {"Word": "a" * 251})

    with pytest.raises(BlueprintError, match="less than or equal to 256"):
        deploy(cloud, name, json.dumps(TEMPLATE), {"Word": "a" * 252})
