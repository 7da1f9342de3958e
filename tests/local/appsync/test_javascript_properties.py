"""What holds for any data and any text: values pass unchanged, and checks of code never fail themselves."""

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.local.services.appsync.javascript import EvaluationFailed, evaluate, faults

CODE = """import { util } from '@aws-appsync/utils';
export function request(ctx) { ctx.stash.kept = ctx.args.value; return ctx.args.value; }
export function response(ctx) { return util.dynamodb.toDynamoDB(ctx.args.value); }
"""

whole = st.integers(-(2**53) + 1, 2**53 - 1)
numbers = whole | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
# JavaScript orders keys that are array indices by number, and `__proto__` is no key like others.
keys = st.text().filter(lambda key: not key.isdigit())
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)

FRAGMENTS = (
    "import { util } from '@aws-appsync/utils';", "import * as a from", "export function request(ctx) {", "export", "{",
    "}", "(", ")", "[", "]", "=>", "const a = 1;", "a.b.c", "ctx.args", "return", "return a;", "`${", "`", "'", "//",
    "/*", "/a/", "...", "?.", "??", "async", "await", "class", "for (const a of", "while", "function", "\n", " ", "é🎉",
    "\x00", "util.time.x", "delete", "a++", "label:", "export default", "export { request }", "import()", "#", "@",
    "0x", "})()})", "}; (function () {",
)  # fmt: skip


def as_javascript(value):
    """JSON of a value with numbers as JavaScript writes them: -0.0 becomes 0."""
    return json.loads(json.dumps(value))


@settings(max_examples=150, deadline=None)
@given(values)
def test_json_passes_unchanged(value):
    evaluation = evaluate(CODE, "request", {"arguments": {"value": value}})
    assert evaluation.result == as_javascript(value)
    assert evaluation.stash["kept"] == as_javascript(value)


@settings(max_examples=100, deadline=None)
@given(values)
def test_attribute_values_can_be_read_back(value):
    def read(attribute):
        ((kind, content),) = attribute.items()
        if kind == "L":
            return [read(one) for one in content]
        return {name: read(one) for name, one in content.items()} if kind == "M" else content

    made = evaluate(CODE, "response", {"arguments": {"value": value}}).result
    assert read(made) == as_javascript(value)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map(" ".join))
def test_any_text_is_accepted_or_refused_with_places_inside_it(text):
    lines = text.split("\n")
    for fault in faults(text):
        assert 1 <= fault.line <= len(lines) + 1
        assert fault.column >= 1
        assert fault.message


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map(" ".join))
def test_code_that_is_accepted_is_compiled(body):
    never = f"if (ctx.args.never) {{ {body} }}"
    code = f"export function request(ctx) {{ {never} return 1; }}\nexport function response() {{}}"
    if not faults(code):
        assert evaluate(code, "request", {}).result == 1
    else:
        with contextlib.suppress(EvaluationFailed):
            evaluate(code, "request", {}, time_limit=1)


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text())
def test_encodings_are_reversible(text, other):
    code = """export function request(ctx) {
      const { a, b } = ctx.args;
      const encoded = [util.base64Encode(a), util.urlEncode(b)];
      return [util.base64Decode(encoded[0]), util.urlDecode(encoded[1])];
    }"""
    assert evaluate(code, "request", {"arguments": {"a": text, "b": other}}).result == [text, other]
