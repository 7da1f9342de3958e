"""The nesting of GraphQL texts is counted without what stands in strings and comments."""

import pytest

from blueprints.local.services.appsync.nesting import nesting


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("", 0),
        ("{ a }", 1),
        ("{ a(b: [[1]]) { c } }", 4),
        ('{ a(b: "{{{{") }', 2),
        ('{ a(b: "\\"{{{{") }', 2),
        ('{ a(b: """ {{{ \\""" " {{{ """) }', 2),
        ("{ a } # {{{{", 1),
        ("}}} {", 0),
        ("{" * 3000, 3000),
    ],
)
def test_open_brackets_are_counted(text, depth):
    assert nesting(text) == depth
