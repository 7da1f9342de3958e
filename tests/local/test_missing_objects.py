"""Who may not list a bucket is not told which keys it lacks; the cases of callers are in `iam/cases`."""

import json
import urllib.error
import urllib.request
import uuid

import pytest


def status_of(url):
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(("listed", "expected"), [(False, 403), (True, 404)])
def test_anonymous_requests_are_told_if_the_bucket_policy_lets_everybody_list(cloud, listed, expected):
    s3, bucket = cloud.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="kept")
    public = [("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), *([("s3:ListBucket", f"arn:aws:s3:::{bucket}")] * listed)]
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource} for action, resource in public
    ]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

    assert status_of(f"{cloud.endpoint}/{bucket}/kept") == 200
    assert status_of(f"{cloud.endpoint}/{bucket}/missing") == expected


def test_the_owner_is_told(cloud):
    s3, bucket = cloud.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)

    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="missing")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.get_object(Bucket=f"{bucket}-missing", Key="missing")
