"""A template is read with its lines, expanded offline, and checked for what CloudFormation would pass over."""

import copy
import json
import socket
from pathlib import Path

import pytest

from blueprints.errors import BlueprintError
from blueprints.template.artifacts import packaged
from blueprints.template.expansion import expand
from blueprints.template.problems import problems
from blueprints.template.reading import load

GOOD = """\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Description: S3 → Lambda
Parameters:
  Environment: {Type: String, Default: dev}
  Preference: {Type: String, Default: AllAtOnce}
  KmsKeyArn: {Type: String, Default: ''}
Conditions:
  HasKey: !Not [!Equals [!Ref KmsKeyArn, '']]
  IsProd: !Equals [!Ref Environment, prod]
Globals:
  Function:
    Runtime: python3.13
    Timeout: 30
    Tracing: Active
    Architectures: [arm64]
Resources:
  RenderImage:
    Type: AWS::Serverless::Function
    Metadata: {Anything: {goes: here}}
    DependsOn: [Renditions]
    Properties:
      CodeUri: src/
      Handler: render_image.handler
      KmsKeyArn: !If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue]
      AutoPublishAlias: live
      DeploymentPreference:
        Type: !Ref Preference
        Alarms: [!If [IsProd, !Ref Errors, !Ref AWS::NoValue]]
      Environment:
        Variables: {ANY_NAME: !Sub '${Renditions}', OTHER: !GetAtt Renditions.Arn}
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig:
          OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}
      Policies:
        - S3CrudPolicy: {BucketName: !Ref Renditions}
        - Statement: [{Effect: Allow, Action: s3:GetObject, Resource: !Sub '${Renditions.Arn}/*', Sid: Anything}]
      Events:
        Uploaded:
          Type: EventBridgeRule
          Properties:
            State: ENABLED
            RetryPolicy: {MaximumRetryAttempts: 3}
            DeadLetterConfig: {Arn: !GetAtt Failures.Arn}
            Pattern: {source: [aws.s3], detail: {bucket: {name: [!Ref Renditions]}, free: [form]}}
        Records:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Records.Arn
            StartingPosition: LATEST
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}}
            FilterCriteria: {Filters: [{Pattern: '{}'}]}
  Records:
    Type: AWS::Kinesis::Stream
    Properties:
      StreamModeDetails: {StreamMode: ON_DEMAND}
  Renditions:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      VersioningConfiguration: {Status: Enabled}
      LifecycleConfiguration:
        Rules:
          - !If
            - IsProd
            - {Id: expire, Status: Enabled, ExpirationInDays: 30}
            - !Ref AWS::NoValue
          - {Status: Enabled, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}}
      BucketEncryption:
        Fn::If:
          - HasKey
          - ServerSideEncryptionConfiguration:
              - ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms, KMSMasterKeyID: !Ref KmsKeyArn}
          - !Ref AWS::NoValue
  RenditionsPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Renditions
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Deny, Principal: '*', Action: 's3:*', Resource: '*', Condition: {Bool: {x: 'false'}}}]
  Failures:
    Type: AWS::SQS::Queue
    Properties:
      RedriveAllowPolicy: {redrivePermission: denyAll}
      Tags: [{Key: a, Value: b}]
  Errors:
    Type: AWS::CloudWatch::Alarm
    Condition: IsProd
    Properties:
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: 1
      Threshold: 0
      Metrics:
        - Id: errors
          MetricStat:
            Metric:
              {Namespace: AWS/Lambda, MetricName: Errors, Dimensions: [{Name: FunctionName, Value: !Ref RenderImage}]}
            Period: 60
            Stat: Sum
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: One, States: {One: {Type: Pass, End: true, Anything: goes}}}
      Policies: [{LambdaInvokePolicy: {FunctionName: !Ref RenderImage}}]
      Tracing: {Enabled: true}
  Orders:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth: {DefaultAuthorizer: AWS_IAM}
      CanarySetting: {PercentTraffic: 10}
      DefinitionBody: {openapi: 3.0.1, paths: {/x: {get: {responses: {}}}}}
  Made:
    Type: Custom::Thing
    Properties: {ServiceToken: !GetAtt RenderImage.Arn, Whatever: {One: Likes}}
Outputs:
  Bucket: {Value: !Ref Renditions}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/render_image.py").write_text("def handler(event, context):\n    return 1\n")
    return tmp_path


def written(folder: Path, text: str):
    (folder / "template.yaml").write_text(text)
    return load(folder / "template.yaml")


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_short_functions_become_long_ones(folder):
    template = written(
        folder,
        "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties:\n"
        "      BucketName: !Sub\n        - '${x}'\n        - x: !GetAtt B.Outputs.Name\n"
        "      Tags: !If [C, !Ref T, !Split [',', !Base64 x]]\n      Other: !GetAtt [B, Arn]\n",
    )
    assert template.properties("A") == {
        "BucketName": {"Fn::Sub": ["${x}", {"x": {"Fn::GetAtt": ["B", "Outputs.Name"]}}]},
        "Tags": {"Fn::If": ["C", {"Ref": "T"}, {"Fn::Split": [",", {"Fn::Base64": "x"}]}]},
        "Other": {"Fn::GetAtt": ["B", "Arn"]},
    }


def test_dates_stay_text_and_numbers_stay_numbers(folder):
    template = written(folder, "Resources: {}\nMetadata: {Version: 2012-10-17, Count: 3, On: true}\n")
    assert template.section("Metadata") == {"Version": "2012-10-17", "Count": 3, "On": True}


def test_merge_keys_are_merged_and_explicit_values_win(folder):
    template = written(
        folder,
        "Metadata:\n  Base: &base {a: 1, b: 2}\nResources:\n  A:\n    Type: Custom::X\n"
        "    Properties:\n      b: 3\n      <<: *base\n",
    )
    assert template.properties("A") == {"a": 1, "b": 3}


def test_every_property_has_its_line(folder):
    template = written(folder, GOOD)
    for part, place in {
        "VersioningConfiguration": ("Resources", "Renditions", "Properties", "VersioningConfiguration"),
        "MaximumRetryAttempts: 1": (
            "Resources", "RenderImage", "Properties", "EventInvokeConfig", "MaximumRetryAttempts",
        ),
        "{Id: expire": ("Resources", "Renditions", "Properties", "LifecycleConfiguration", "Rules", 0, "Fn::If", 1),
    }.items():  # fmt: skip
        assert template.line(*place) == line_of(GOOD, part), part


def test_a_missing_place_has_the_line_of_its_parent(folder):
    template = written(folder, GOOD)
    assert template.line("Resources", "Failures", "Properties", "Nothing", "Here") == (
        line_of(GOOD, "RedriveAllowPolicy") - 1
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Resources:\n  A:\n    Type: [\n", 4, "not valid YAML"),
        ("Resources:\n\tA: 1\n", 2, "spaces"),
        ("Resources:\n  A: !Reff x\n", 2, "no function !Reff"),
        ("Resources:\n  A:\n    Type: x\n    Type: y\n", 4, "written twice; the first time on line 3"),
        ("- a\n", 1, "mapping"),
    ],
)
def test_a_mistake_in_the_yaml_is_reported_with_its_line(folder, text, line, said):
    with pytest.raises(BlueprintError) as error:
        written(folder, text)
    assert error.value.where.endswith(f"template.yaml:{line}")
    assert said in str(error.value)


def test_a_template_that_is_not_there(tmp_path):
    with pytest.raises(BlueprintError, match="no such template"):
        load(tmp_path / "template.yaml")


# --- expanding -------------------------------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, no credentials, no Region; a profile that does not exist."""

    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_sam_expands_offline_and_parameters_are_heard(folder, offline):
    template = written(folder, GOOD)
    made = expand(template)["Resources"]
    assert made["RenderImageAliaslive"]["Type"] == "AWS::Lambda::Alias"
    assert "'AllAtOnce'" in str(made["RenderImageDeploymentGroup"]["Properties"]["DeploymentConfigName"])
    canary = expand(template, {"Preference": "Canary10Percent5Minutes"})["Resources"]
    assert "'Canary10Percent5Minutes'" in str(
        canary["RenderImageDeploymentGroup"]["Properties"]["DeploymentConfigName"]
    )
    assert template.properties("RenderImage")["CodeUri"] == "src/", "the template itself stays as it was"


def test_managed_policies_are_known_without_asking_aws(folder, offline):
    text = GOOD.replace("        - S3CrudPolicy: {BucketName: !Ref Renditions}\n", "        - AmazonS3ReadOnlyAccess\n")
    made = expand(written(folder, text))["Resources"]["RenderImageRole"]["Properties"]
    assert "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" in made["ManagedPolicyArns"]


def test_nested_applications_are_not_looked_up(folder, offline):
    text = (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Nested:\n    Type: AWS::Serverless::Application\n"
        "    Properties: {Location: {ApplicationId: 'arn:aws:serverlessrepo:us-east-1:1:applications/x',"
        " SemanticVersion: 1.0.0}}\n"
    )
    assert "Nested" in expand(written(folder, text))["Resources"]


@pytest.mark.parametrize(
    ("old", "new", "named", "line_part"),
    [
        ("      CodeUri: src/\n", "", "write for example 'CodeUri: src/'", "  RenderImage:"),
        ("AutoPublishAlias: live", "AutoPublishAlias: [live]", "RenderImage", "  RenderImage:"),
        (
            "{DefaultAuthorizer: AWS_IAM}",
            "{DefaultAuthoriser: AWS_IAM}",
            "did you mean DefaultAuthorizer?",
            "Authoriser",
        ),
        ("StartingPosition: LATEST", "StartingPosition: LATEST, BatchSise: 3", "did you mean BatchSize?", "BatchSise"),
        ("S3CrudPolicy", "S3CrudPolicie", "RenderImage", "  RenderImage:"),
        ("Type: EventBridgeRule", "Type: EventBridge", "EventBridge", "        Uploaded:"),
        ("    Timeout: 30", "    Timeot: 30", "'Timeot' is not a supported property of 'Function'", "Timeot"),
    ],
)
def test_an_error_of_sam_names_the_resource_and_its_line(folder, old, new, named, line_part):
    if "BatchSise" in new:
        new = "StartingPosition: LATEST\n            BatchSise: 3"
    text = GOOD.replace(old, new)
    with pytest.raises(BlueprintError) as error:
        expand(written(folder, text))
    assert named in str(error.value)
    assert error.value.where.endswith(f"template.yaml:{line_of(text, line_part)}")


# --- problems --------------------------------------------------------------------------------------------------------


def found(folder: Path, text: str, *, expanded: bool = True):
    template = written(folder, text)
    return problems(template, expand(template) if expanded else None)


def test_a_good_template_has_no_problems(folder):
    assert found(folder, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("VersioningConfiguration: {", "VersionConfiguration: {", "did you mean VersioningConfiguration?"),
        ("VersioningConfiguration: {", "versioningConfiguration: {", "did you mean VersioningConfiguration?"),
        ("{DaysAfterInitiation: 1}", "{DaysAfterInitation: 1}", "did you mean DaysAfterInitiation?"),
        ("ExpirationInDays: 30", "ExpireInDays: 30", "LifecycleConfiguration.Rules has no property ExpireInDays"),
        ("KMSMasterKeyID:", "KmsMasterKeyId:", "did you mean KMSMasterKeyID?"),
        ("{Namespace: AWS/Lambda,", "{NameSpace: AWS/Lambda,", "did you mean Namespace?"),
        ("AWS::Kinesis::Stream", "AWS::Kinesis::Streams", "did you mean AWS::Kinesis::Stream?"),
        ("PercentTraffic: 10", "PercentageTraffic: 10", "did you mean PercentTraffic?"),
        ("MaximumRetryAttempts: 3", "MaxRetryAttempts: 3", "did you mean MaximumRetryAttempts?"),
        ("    DeletionPolicy: Retain", "    DeletePolicy: Retain", "did you mean DeletionPolicy?"),
        ("    Condition: IsProd", "    Threshold: 3", "did you mean Properties.Threshold?"),
        ("render_image.handler", "render_image.handle", "did you mean handler?"),
        ("render_image.handler", "render_images.handler", "did you mean render_image?"),
        ("render_image.handler", "render_image", "write for example"),
        ("CodeUri: src/", "CodeUri: srcs/", "did you mean src?"),
        ("CodeUri: src/", "CodeUri: ../src/", "lies outside"),
        ("BucketName: !Ref Renditions}", "BucketName: !Ref Rendition}", "did you mean Renditions?"),
        ("OTHER: !GetAtt Renditions.Arn", "OTHER: !GetAtt Rendition.Arn", "did you mean Renditions?"),
        (
            "OTHER: !GetAtt Renditions.Arn",
            "O: !GetAtt Renditions.Arn",
            "no property O; names there must match [a-zA-Z]",
        ),
        ("'${Renditions}'", "'${Rendition}'", "did you mean Renditions?"),
        ("    DependsOn: [Renditions]", "    DependsOn: [Rendition]", "did you mean Renditions?"),
        ("    Condition: IsProd", "    Condition: IsProduction", "did you mean IsProd?"),
        ("Bucket: {Value: !Ref Renditions}", "Bucket: {Value: !Ref Elsewhere}", "write it, or remove the reference"),
    ],
)
def test_a_mistake_is_found_with_its_line_and_what_to_write(folder, old, new, said):
    text = GOOD.replace(old, new)
    assert text != GOOD
    wrong = found(folder, text)
    assert [said in problem.message for problem in wrong] == [True], wrong
    assert wrong[0].line == line_of(text, new.strip(" {}").split("{")[-1].strip())
    assert wrong[0].file == folder / "template.yaml"


INCLUDE = "DefinitionBody: {'Fn::Transform': {Name: 'AWS::Include', Parameters: {Location: api.yaml}}}"
FREE = {
    "Metadata", "Variables", "Pattern", "Policies", "PolicyDocument", "RedriveAllowPolicy", "Definition",
    "DefinitionBody", "Events", "DependsOn",
}  # fmt: skip


def property_places(value, place=()):
    """Every written property name below a resource whose names a schema fixes."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name in FREE and name != "Events":
                continue
            if name == "Events":
                for event, body in child.items():
                    inner = body["Properties"]
                    yield from property_places(inner, (*place, name, event, "Properties"))
                continue
            if not name.startswith("Fn::") and name != "Ref":
                yield (*place, name)
            yield from property_places(child, (*place, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from property_places(child, (*place, index))


def test_every_misspelt_property_of_a_good_template_is_found(folder):
    template = written(folder, GOOD)
    missed, tried = [], 0
    for logical_id, resource in template.resources.items():
        if resource["Type"].startswith("Custom::"):
            continue
        for place in property_places(resource.get("Properties", {})):
            body = copy.deepcopy(template.body)
            holder = body["Resources"][logical_id]["Properties"]
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1] + "x"] = holder.pop(place[-1])
            changed = type(template)(template.path, body, template.lines)
            try:
                wrong = problems(changed, expand(changed))
            except BlueprintError as error:
                wrong = [error]
            tried += 1
            if not any(f"{place[-1]}x" in str(problem) for problem in wrong):
                missed.append((logical_id, place))
    assert tried > 60
    assert missed == []


def test_sam_types_need_sams_transform(folder):
    wrong = found(folder, GOOD.replace("Transform: AWS::Serverless-2016-10-31\n", ""), expanded=False)
    assert [problem.rule for problem in wrong] == ["transform"]
    assert "write 'Transform: AWS::Serverless-2016-10-31'" in wrong[0].message


def test_resources_that_sam_generates_can_be_referenced(folder):
    text = GOOD.replace(
        "{Value: !Ref Renditions}",
        "{Value: !Sub '${RenderImageRole} ${RenderImage.Version} ${RenderImageAliaslive} ${!Not}'}",
    )
    assert found(folder, text) == []


def test_types_of_private_registries_are_taken_at_their_word(folder):
    text = "Resources:\n  A: {Type: 'Acme::Billing::Account', Properties: {Any: 1}}\n  B: {Type: 'AWs::S3::Bucket'}\n"
    wrong = found(folder, text, expanded=False)
    assert [problem.message for problem in wrong] == [
        "B: there is no resource type AWs::S3::Bucket; did you mean AWS::S3::Bucket?"
    ]


def test_properties_that_sam_passes_through_are_checked_in_the_generated_resource(folder):
    text = GOOD.replace(
        "      AutoPublishAlias: live\n",
        "      AutoPublishAlias: live\n      VpcConfig: {SubnetIds: [a], SecurityGroupId: [b]}\n",
    )
    wrong = found(folder, text)
    assert len(wrong) == 1
    assert "SecurityGroupIds" in wrong[0].message
    assert wrong[0].line == line_of(text, "SecurityGroupId:")


@pytest.mark.parametrize(
    "source",
    [
        "from other import handler\n",
        "import x.y as handler\n",
        "handler = build()\n",
        "async def handler(e, c): ...\n",
        "try:\n    from a import handler\nexcept ImportError:\n    handler = None\n",
        "from everything import *\n",
        "class handler:\n    pass\n",
        "one, handler = make()\n",
    ],
)
def test_a_handler_may_come_about_in_many_ways(folder, source):
    (folder / "src/render_image.py").write_text(source)
    assert found(folder, GOOD) == []


def test_a_handler_that_exists_only_inside_a_function_is_not_there(folder):
    (folder / "src/render_image.py").write_text("def outer():\n    def handler(): ...\n    inner = 1\n")
    assert [problem.rule for problem in found(folder, GOOD)] == ["handler"]


def test_handlers_in_packages_and_in_requirements_are_found(folder):
    (folder / "src/images").mkdir()
    (folder / "src/images/__init__.py").write_text("")
    (folder / "src/images/render.py").write_text("def handler(): ...\n")
    for name in ("images.render.handler", "images/render.handler"):
        assert found(folder, GOOD.replace("render_image.handler", name)) == []
    (folder / "src/requirements.txt").write_text("datadog-lambda==6.0\n")
    assert found(folder, GOOD.replace("render_image.handler", "datadog_lambda.handler.handler")) == []


def test_a_handler_that_is_not_python_is_reported(folder):
    (folder / "src/render_image.py").write_text("def handler(:\n")
    (problem,) = found(folder, GOOD)
    assert "render_image.py is not Python" in problem.message


def test_code_outside_the_folder_by_a_link_is_reported(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (folder / "out").symlink_to(outside)
    wrong = found(folder, GOOD.replace("CodeUri: src/", "CodeUri: out"))
    assert "outside" in [problem.rule for problem in wrong]


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_code_is_replaced_by_where_it_was_uploaded(folder):
    template = written(folder, GOOD)
    sent = json.loads(packaged(template, {"RenderImage": ("bucket", "key.zip")}))
    assert sent["Resources"]["RenderImage"]["Properties"]["CodeUri"] == {"Bucket": "bucket", "Key": "key.zip"}
    assert sent["Resources"]["Renditions"] == template.resources["Renditions"]


def test_code_in_globals_is_written_into_each_function(folder):
    text = GOOD.replace("      CodeUri: src/\n", "").replace(
        "    Timeout: 30\n", "    Timeout: 30\n    CodeUri: src/\n"
    )
    sent = json.loads(packaged(written(folder, text), {"RenderImage": ("b", "k")}))
    assert sent["Resources"]["RenderImage"]["Properties"]["CodeUri"] == {"Bucket": "b", "Key": "k"}
    assert "CodeUri" not in sent["Globals"]["Function"]


@pytest.mark.parametrize(
    ("kind", "properties", "name"),
    [
        ("AWS::Serverless::LayerVersion", "ContentUri: layer/", "ContentUri"),
        ("AWS::Serverless::StateMachine", "DefinitionUri: flow.asl.json", "DefinitionUri"),
        ("AWS::Serverless::Application", "Location: nested.yaml", "Location"),
        ("AWS::CloudFormation::Stack", "TemplateURL: nested.yaml", "TemplateURL"),
        ("AWS::Glue::Job", "Command: {Name: glueetl, ScriptLocation: job.py}", "Command.ScriptLocation"),
        ("AWS::Serverless::Api", INCLUDE, "AWS::Include"),
    ],
)  # fmt: skip
def test_a_local_path_that_was_not_uploaded_is_never_sent(folder, kind, properties, name):
    text = f"Resources:\n  Thing:\n    Type: {kind}\n    Properties: {{{properties}}}\n"
    with pytest.raises(BlueprintError) as error:
        packaged(written(folder, text), {})
    assert name in str(error.value)
    assert error.value.where.endswith("template.yaml:4")


def test_a_function_that_was_not_uploaded_is_named(folder):
    with pytest.raises(BlueprintError, match="RenderImage: CodeUri 'src/'"):
        packaged(written(folder, GOOD), {})


def test_an_upload_for_a_missing_resource_is_refused(folder):
    with pytest.raises(BlueprintError, match="RenderImages"):
        packaged(written(folder, GOOD), {"RenderImage": ("b", "k"), "RenderImages": ("b", "k")})
