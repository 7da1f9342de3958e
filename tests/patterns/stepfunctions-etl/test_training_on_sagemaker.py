"""With a training image, the state machine starts a job that SageMaker accepts, and may do so; without one, neither."""

import json

import botocore.session
import pytest
from botocore.validate import ParamValidator
from played_definition import DEFINITION, Execution, machine

from blueprints.pattern import find
from blueprints.template.expansion import expand
from blueprints.template.reading import load

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/delivery-days:1"


def trained(image):
    """Play the states from where the model is trained to where it is evaluated; return the calls and the variables."""
    calls = []

    def call(name, payload):
        calls.append((name, payload))
        archive = f"s3://lake/runs/one/sagemaker/{payload.get('TrainingJobName')}/output/model.tar.gz"
        return {"model": "runs/one/model-1.json", "ModelArtifacts": {"S3ModelArtifacts": archive}}

    states = machine(TrainingImage=image, Lake="lake", TrainingRole="arn:aws:iam::123456789012:role/r")["States"]
    execution = Execution(states, "WhereToTrain", {"status": "aggregated"}, call)
    execution.variables = {"run_id": "one", "run": "runs/one/draft-1.json", "channel": "runs/one/channel-1.json"}
    while execution.state != "EvaluateModel":
        execution.step(None)
    return calls, execution.variables


def test_the_job_is_one_that_sagemaker_accepts():
    ((resource, arguments),), variables = trained(IMAGE)
    model = botocore.session.get_session().get_service_model("sagemaker")
    faults = ParamValidator().validate(arguments, model.operation_model("CreateTrainingJob").input_shape)
    assert resource == "arn:aws:states:::sagemaker:createTrainingJob.sync"
    assert not faults.has_errors(), faults.generate_report()
    assert arguments["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert arguments["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://lake/runs/one/channel-1.json"
    assert variables["model"] == f"runs/one/sagemaker/{arguments['TrainingJobName']}/output/model.tar.gz"


def test_a_function_trains_without_an_image():
    calls, variables = trained("")
    assert [name for name, _ in calls] == ["${TrainModel}"]
    assert variables["model"] == "runs/one/model-1.json"


@pytest.mark.parametrize("image", ["", IMAGE])
def test_the_role_may_start_jobs_only_with_an_image(image):
    """Both the statement and the role of the job stand under one condition."""
    body = expand(load(find("stepfunctions-etl").template), {"TrainingImage": image})
    conditional = [policy for policy in body["Resources"]["EtlRole"]["Properties"]["Policies"] if "Fn::If" in policy]
    assert body["Resources"]["TrainingRole"]["Condition"] == "UsesSageMaker"
    assert [policy["Fn::If"][0] for policy in conditional] == ["UsesSageMaker"]
    assert "sagemaker:CreateTrainingJob" in json.dumps(conditional)
    rest = [policy for policy in body["Resources"]["EtlRole"]["Properties"]["Policies"] if policy not in conditional]
    assert "sagemaker" not in json.dumps(rest)
    assert "createTrainingJob.sync" in DEFINITION.read_text()
