"""Signed URLs and forms allow only the signed request, with the keys that `up` prints."""

import datetime as dt
import json
import time
import urllib.error
import urllib.request
import uuid
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config

from tests.local.resources import client_settings, function_resource, role_with
from tests.local.waiting import messages

V2, V4 = "s3", "s3v4"
KEY = "a folder/ö+:1.txt"
ORIGIN = "https://app.example"


def ask(method, url, data=None, **headers):
    """Status and body of a request that carries no signature but its URL's."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def send_form(post, data=b"form", **fields):
    """Post a file as a browser does."""
    edge = uuid.uuid4().hex
    body = b""
    for name, value in {**post["fields"], **fields}.items():
        body += f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="form.txt"\r\n\r\n'.encode()
    body += data + f"\r\n--{edge}--\r\n".encode()
    return ask("POST", post["url"], body, Content_Type=f"multipart/form-data; boundary={edge}")


@pytest.fixture
def bucket(cloud):
    name = f"signed-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(params=[None, V2, V4])
def s3(cloud, request):
    """A client with the environment that `up` prints, by the default signature version and by each."""
    environment = cloud.environment()
    settings = {
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
        "region_name": environment["AWS_REGION"],
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": environment["AWS_SESSION_TOKEN"],
    }
    return boto3.client("s3", **settings, config=Config(signature_version=request.param) if request.param else None)


def signed(s3, operation, bucket, key=KEY, **options):
    return s3.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key}, **options)


def test_signed_urls_and_forms_put_and_get(s3, bucket):
    assert ask("PUT", signed(s3, "put_object", bucket), b"one")[0] == 200
    assert ask("GET", signed(s3, "get_object", bucket)) == (200, "one")
    assert send_form(s3.generate_presigned_post(bucket, "forms/${filename}"))[0] == 204

    assert s3.get_object(Bucket=bucket, Key="forms/form.txt")["Body"].read() == b"form"


def test_a_signed_url_allows_only_the_signed_request(s3, bucket):
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"one")
    url = signed(s3, "get_object", bucket)

    for method, other in (
        ("DELETE", url),
        ("PUT", url),
        ("GET", url.replace("1.txt", "2.txt")),
        ("GET", url.replace("Signature=", "Signature=0")),
        ("GET", signed(s3, "get_object", bucket) + "0"),
    ):
        status, body = ask(method, other, b"two" if method == "PUT" else None)
        assert status == 403
        assert "SignatureDoesNotMatch" in body or "AccessDenied" in body

    assert s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"one"


def test_a_url_that_was_signed_with_another_secret_is_refused(cloud, bucket):
    settings = {**client_settings(cloud), "aws_secret_access_key": "guessed"}
    for version in (V2, V4):
        s3 = boto3.client("s3", **settings, config=Config(signature_version=version))

        assert ask("PUT", signed(s3, "put_object", bucket), b"one")[0] == 403


def test_an_old_url_is_refused(s3, bucket, monkeypatch):
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"one")
    two_hours_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)
    with monkeypatch.context() as patched:
        patched.setattr("botocore.auth.get_current_datetime", lambda: two_hours_ago)
        patched.setattr("botocore.auth.time", SimpleNamespace(time=two_hours_ago.timestamp))
        url = signed(s3, "get_object", bucket, ExpiresIn=3600)

    status, body = ask("GET", url)

    assert status == 403
    assert "Request has expired" in body


def test_a_signed_content_type_has_to_be_sent(s3, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": KEY, "ContentType": "image/png"})

    assert ask("PUT", url, b"one", Content_Type="text/plain")[0] == 403
    assert ask("PUT", url, b"one", Content_Type="image/png")[0] == 200


def test_a_form_keeps_to_its_conditions(s3, bucket):
    conditions = [["content-length-range", 0, 10], ["starts-with", "$key", "forms/"]]
    post = s3.generate_presigned_post(bucket, "forms/${filename}", Conditions=conditions)
    signature = next(name for name in post["fields"] if name.lower().endswith("signature"))

    assert send_form(post, b"x" * 11)[0] == 400
    assert send_form(post, key="elsewhere/1")[0] == 403
    assert send_form(post, **{signature: "0" * 64})[0] == 403
    assert send_form(s3.generate_presigned_post(bucket, "1", ExpiresIn=-60))[0] == 403
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


SIGNING = """
    import boto3
    def handler(event, context):
        return boto3.client("s3").generate_presigned_url("put_object", Params=event)
"""


def test_a_url_signed_by_a_function_has_its_roles_permissions(cloud, stack, bucket):
    urls = {
        action: cloud.invoke(
            stack(Role=role_with(action), Function=function_resource(SIGNING)).outputs["Function"],
            {"Bucket": bucket, "Key": KEY},
        ).payload
        for action in ("s3:PutObject", "s3:GetObject")
    }

    # By default boto3 signs by version 2, which covers the content type: none here.
    assert ask("PUT", urls["s3:PutObject"], b"one", Content_Type="")[0] == 200
    status, body = ask("PUT", urls["s3:GetObject"], b"two", Content_Type="")
    assert (status, "AccessDenied" in body) == (403, True)
    assert cloud.client("s3").get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"one"


def test_a_browser_may_upload_from_where_the_bucket_allows_it(cloud, bucket):
    s3 = cloud.client("s3")
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": [ORIGIN], "AllowedHeaders": ["*"]}
    asking = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "content-type"}
    url = f"{cloud.endpoint}/{bucket}/1"
    assert ask("OPTIONS", url, Origin=ORIGIN, **asking)[0] == 403

    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})

    assert ask("OPTIONS", url, Origin=ORIGIN, **asking)[0] == 200
    assert ask("OPTIONS", url, Origin="https://other.example", **asking)[0] == 403


def test_an_object_posted_by_a_form_sends_a_notification(cloud, stack, bucket):
    queue = cloud.client("sqs").create_queue(QueueName=f"announced-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    s3, arn = cloud.client("s3"), f"arn:aws:sqs:us-east-1:000000000000:{queue.rpartition('/')[2]}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        SkipDestinationValidation=True,
    )

    send_form(s3.generate_presigned_post(bucket, "posted"))
    s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": "posted"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    etag = s3.upload_part(**part, PartNumber=1, Body=b"one")["ETag"]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

    deadline, seen = time.monotonic() + 15, []
    while len(seen) < 3 and time.monotonic() < deadline:
        for message in messages(cloud, queue):
            seen += [(each["eventName"], each["s3"]["object"]["key"]) for each in message["body"].get("Records", [])]
    assert seen == [
        ("ObjectCreated:Post", "posted"),
        ("ObjectCreated:Copy", "copied"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
    ]
