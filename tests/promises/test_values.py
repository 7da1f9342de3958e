"""What CloudFormation values may turn out to be."""

import pytest

from blueprints.promises.values import STACK_UUID, alternatives, always, at, conditions, items, references, text

NOTHING = {"Ref": "AWS::NoValue"}
UUID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}


def test_both_branches_count_and_no_value_is_none():
    value = {"Fn::If": ["A", {"Fn::If": ["B", 1, NOTHING]}, 2]}
    assert list(alternatives(value)) == [1, 2]
    assert list(alternatives(NOTHING)) == []


def test_lists_within_branches_are_taken_apart():
    assert list(items({"Fn::If": ["A", ["x", {"Fn::If": ["B", ["y"], NOTHING]}], "z"]})) == ["x", "y", "z"]


def test_a_path_leads_through_lists_and_branches():
    value = {"Targets": [{"Fn::If": ["A", {"Arn": "one"}, NOTHING]}, {"Arn": "two"}, "odd"]}
    assert list(at(value, "Targets", "Arn")) == ["one", "two"]


@pytest.mark.parametrize(
    ("value", "expected", "holds"),
    [
        (True, True, True),
        ("true", True, True),
        ("false", True, False),
        (None, True, False),
        ({"Fn::If": ["A", True, True]}, True, True),
        ({"Fn::If": ["A", True, NOTHING]}, True, False),
        ({"Ref": "Given"}, True, False),
        (1209600, 1209600, True),
    ],
)
def test_always_means_under_every_condition(value, expected, holds):
    assert always(value, expected) is holds


def test_references_are_found_in_every_function():
    value = [
        {"Ref": "A"},
        {"Fn::GetAtt": ["B", "Arn"]},
        {"Fn::GetAtt": "C.Arn"},
        {"Fn::Sub": "${D}-${E.Arn}-${!Literal}"},
        {"Fn::Sub": ["${Own}-${F}", {"Own": {"Ref": "G"}}]},
        {"Fn::If": ["Condition", {"Ref": "H"}, "Plain"]},
    ]
    assert references(value) == set("ABCDEFGH")


def test_conditions_are_those_that_decide():
    value = {"Condition": "A", "Properties": {"X": {"Fn::If": ["B", 1, {"Fn::If": ["C", 1, 2]}]}}}
    assert conditions(value) == {"A", "B", "C"}


@pytest.mark.parametrize(
    "name",
    [
        {"Fn::Sub": ["Hook_${Id}_x", {"Id": UUID}]},
        {"Fn::Join": ["", ["Hook_", UUID, "_x"]]},
        {"Fn::Join": ["_", ["Hook", UUID, "x"]]},
    ],
)
def test_a_name_reads_the_same_however_it_is_put_together(name):
    assert text(name) == f"Hook_{STACK_UUID}_x"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"Ref": "Bucket"}, "${Bucket}"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "${Bucket.Arn}"),
        ({"Fn::Sub": "${Bucket.Arn}/*"}, "${Bucket.Arn}/*"),
        ({"Fn::Sub": []}, "[]"),
        ({"Fn::Join": []}, "{'Fn::Join': []}"),
        (3, "3"),
    ],
)
def test_text_marks_values_known_only_at_deployment(value, said):
    assert text(value) == said
