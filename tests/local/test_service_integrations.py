"""APIs call actions of other services in the integration's role."""

import json
import urllib.error
import urllib.request

import pytest

from blueprints.local.services.apigateway.service_integrations import escape_javascript
from tests.local.building import role
from tests.local.resources import QUEUE
from tests.local.sam_folders_up import request
from tests.local.waiting import messages

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    },
}
PUT = {
    "Fn::Sub": '{"TableName": "${Table}", "Item": {"id": {"S": "$input.params(\'id\')"}, '
    '"text": {"S": "$util.escapeJavaScript($input.json(\'$.text\'))"}}}'
}


def api(template):
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:dynamodb:action/PutItem"},
        "credentials": {"Fn::GetAtt": ["ApiRole", "Arn"]},
        "requestTemplates": {"application/json": template},
        "responses": {"default": {"statusCode": "201"}, "4\\d{2}": {"statusCode": "400"}},
    }
    put = {
        "x-amazon-apigateway-integration": integration,
        "responses": {"201": {"description": "stored"}, "400": {"description": "refused"}},
    }
    body = {"swagger": "2.0", "info": {"title": "notes", "version": "1"}, "paths": {"/notes/{id}": {"put": put}}}
    return {
        "Table": TABLE,
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "notes", "Body": body}},
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "live"},
        },
    }


def allowed(*actions):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}
    return {"ApiRole": role(statement, service="apigateway.amazonaws.com")}


def put(cloud, stack, note, body):
    url = f"{cloud.endpoint}/restapis/{stack.outputs['Api']}/live/_user_request_/notes/{note}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_request_becomes_the_call_that_its_template_writes(cloud, stack):
    """The item is in the table; quotes and letters beyond ASCII arrive unchanged."""
    deployed = stack(**api(PUT), **allowed("dynamodb:PutItem"))

    assert put(cloud, deployed, "n1", {"text": 'she said "no" ä/€'}) == (201, {})

    table = deployed.outputs["Table"]
    item = cloud.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "n1"}})["Item"]
    assert item == {"id": {"S": "n1"}, "text": {"S": 'she said "no" ä/€'}}


def test_a_role_without_the_permission_is_refused_by_the_service(cloud, stack):
    """The error of the service selects the integration's response."""
    deployed = stack(**api(PUT), **allowed("dynamodb:GetItem"))

    status, answer = put(cloud, deployed, "n1", {"text": "x"})

    assert status == 400
    assert "AccessDenied" in json.dumps(answer)
    assert cloud.client("dynamodb").scan(TableName=deployed.outputs["Table"])["Count"] == 0


def test_a_role_that_does_not_trust_api_gateway_is_an_error_of_the_api(cloud, stack):
    """As for a role that does not exist."""
    resources = api(PUT)
    statement = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}
    deployed = stack(**resources, ApiRole=role(statement, service="lambda.amazonaws.com"))

    assert put(cloud, deployed, "n1", {"text": "x"})[0] == 500


@pytest.mark.parametrize(
    ("text", "escaped"),
    [('a"b', 'a\\"b'), ("it's", "it\\'s"), ("a/b\n", "a\\/b\\n"), ("ä😀", "\\u00E4\\uD83D\\uDE00"), ("\\", "\\\\")],
)
def test_javascript_is_escaped_as_api_gateway_does(text, escaped):
    """Also the quote, although JSON does not take it."""
    assert escape_javascript(text) == escaped


def http_api(subtype, parameters, **statement):
    """An HTTP API with one route, `POST /{kind}`, in a role with one statement."""
    integration = {
        "ApiId": {"Ref": "Api"},
        "IntegrationType": "AWS_PROXY",
        "IntegrationSubtype": subtype,
        "PayloadFormatVersion": "1.0",
        "CredentialsArn": {"Fn::GetAtt": ["ApiRole", "Arn"]},
        "RequestParameters": parameters,
    }
    route = {
        "ApiId": {"Ref": "Api"},
        "RouteKey": "POST /{kind}",
        "Target": {"Fn::Sub": "integrations/${Integration}"},
    }
    return {
        "ApiRole": role({"Effect": "Allow", **statement}, service="apigateway.amazonaws.com"),
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "notes", "ProtocolType": "HTTP"}},
        "Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": integration},
        "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": route},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    }


def post(cloud, deployed, path, body):
    url = f"{cloud.endpoint}/_aws/execute-api/{deployed.outputs['Api']}/$default/{path}"
    return request("POST", url, body=body, headers={"Content-Type": "application/json"})


def test_an_http_api_sends_a_message(cloud, stack):
    """Parts of the request become parameters, also within a text."""
    parameters = {"QueueUrl": {"Ref": "Queue"}, "MessageBody": '{"kind": "${request.path.kind}", "n": $request.body.n}'}
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    deployed = stack(Queue=QUEUE, **http_api("SQS-SendMessage", parameters, Action="sqs:SendMessage", Resource=queue))

    answer = post(cloud, deployed, "note", '{"n": [1, 2]}')

    assert answer.status == 200, answer
    assert answer.body["MessageId"]
    (message,) = messages(cloud, deployed.outputs["Queue"])
    assert message["body"] == {"kind": "note", "n": [1, 2]}


@pytest.mark.parametrize("action", ["states:StartSyncExecution", "states:StartExecution"])
def test_an_http_api_runs_an_express_execution(cloud, stack, action):
    """If its role may: the error of the service is the answer otherwise."""
    definition = {"StartAt": "Give", "States": {"Give": {"Type": "Succeed"}}}
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineType": "EXPRESS",
            "Definition": definition,
            "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
        },
    }
    parameters = {"StateMachineArn": {"Ref": "Machine"}, "Input": "$request.body"}
    api = http_api("StepFunctions-StartSyncExecution", parameters, Action=action, Resource={"Ref": "Machine"})
    deployed = stack(Machine=machine, MachineRole=role(service="states.amazonaws.com"), **api)

    answer = post(cloud, deployed, "run", '{"n": "ä"}')

    if action == "states:StartSyncExecution":
        assert (answer.status, answer.body["status"]) == (200, "SUCCEEDED")
        assert json.loads(answer.body["output"]) == {"n": "ä"}
    else:
        assert answer.status >= 400
        assert "AccessDenied" in json.dumps(answer.body)
