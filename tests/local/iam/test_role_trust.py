"""Which services a role's trust policy lets assume the role."""

import json

import pytest

from blueprints.local.services.iam.role_trust import trusts

ROLE = "arn:aws:iam::000000000000:role/path/role"
LAMBDA = {"Service": "lambda.amazonaws.com"}


def statement(principal, effect="Allow", **more):
    return {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", **more}


def of_account(number):
    return {"Condition": {"StringEquals": {"aws:SourceAccount": number}}}


@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        (statement(LAMBDA), True),
        ([statement({"Service": ["events.amazonaws.com", "lambda.amazonaws.com"]})], True),
        (statement("*"), True),
        (statement({"AWS": "*"}), True),
        (statement({"AWS": "arn:aws:iam::000000000000:root"}), False),
        (statement({"Service": "ec2.amazonaws.com"}), False),
        (statement(LAMBDA, "Deny"), False),
        ([statement(LAMBDA), statement("*", "Deny")], False),
        (statement(LAMBDA, Action="sts:TagSession"), False),
        (statement(LAMBDA, **of_account("000000000000")), True),
        (statement(LAMBDA, **of_account("111111111111")), False),
        (statement(LAMBDA, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:lambda:*:*:function:one"}}), True),
        (
            [
                statement(LAMBDA),
                statement("*", "Deny", Condition={"ArnNotLike": {"aws:SourceArn": "arn:aws:lambda:*:*:function:one"}}),
            ],
            True,
        ),
        ([statement(LAMBDA), statement("*", "Deny", Condition={"StringEquals": {"aws:SourceAccount": "1"}})], True),
        ([], False),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_a_service_may_assume_a_role_that_trusts_it(statements, trusted, as_text):
    document = {"Version": "2012-10-17", "Statement": statements}
    role = {"Arn": ROLE, "AssumeRolePolicyDocument": json.dumps(document) if as_text else document}
    assert trusts(role, "lambda.amazonaws.com") is trusted


@pytest.mark.parametrize("document", [None, "", "no JSON", {}, []])
def test_a_role_without_a_policy_trusts_nobody(document):
    assert not trusts({"Arn": ROLE, "AssumeRolePolicyDocument": document}, "lambda.amazonaws.com")
