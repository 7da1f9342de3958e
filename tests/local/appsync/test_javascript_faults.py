"""What AppSync refuses when the code of a resolver is deployed, and what it accepts."""

import pytest

from blueprints.local.services.appsync.javascript import faults

RESPONSE = "\nexport function response(ctx) { return ctx.result; }"


def request(body: str) -> str:
    return f"import {{ util }} from '@aws-appsync/utils';\nexport function request(ctx) {{\n  {body}\n}}{RESPONSE}"


def found(code: str) -> list[tuple[int, int, str]]:
    return [(fault.line, fault.column, fault.rule) for fault in faults(code)]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("for (let i = 0; i < 3; i += 1) {}", "no-for"),
        ("while (true) {}", "no-while"),
        ("do {} while (true)", "no-while"),
        ("try {} catch (e) {}", "no-try"),
        ("try {} finally {}", "no-try"),
        ("throw 'x';", "no-throw"),
        ("for (const a of [1]) { continue; }", "no-continue"),
        ("outer: for (const a of [1]) {}", "no-labels"),
        ("class A {}", "no-classes"),
        ("const A = class {};", "no-classes"),
        ("async function f() {}", "no-async"),
        ("const f = async () => 1;", "no-async"),
        ("const o = { async f() {} };", "no-async"),
        ("function* f() {}", "no-generators"),
        ("return this;", "no-this"),
        ("return /a/.test('a');", "no-regex"),
        ("let a = 1; a++;", "no-disallowed-unary-operators"),
        ("let a = 1; --a;", "no-disallowed-unary-operators"),
        ("return ~1;", "no-disallowed-unary-operators"),
        ("return 'a' in ctx.args;", "no-in-operator"),
        ("return ctx instanceof Object;", "no-disallowed-binary-operators"),
        ("return import('@aws-appsync/utils');", "no-dynamic-import"),
        ("debugger;", "no-debugger"),
        ("return new Date();", "unknown-name"),
        ("return fetch('https://example.com');", "unknown-name"),
        ("setTimeout(1);", "unknown-name"),
        ("return eval('1');", "unknown-name"),
        ("return process.env.A;", "unknown-name"),
        ("return globalThis;", "unknown-name"),
        ("return new RegExp('a');", "unknown-name"),
        ("return Symbol('a');", "unknown-name"),
        ("return new Map();", "unknown-name"),
        ("return { undeclared };", "unknown-name"),
        ("return util.nothing();", "unsupported-member"),
        ("return util.xml.toMap('<a/>');", "unsupported-member"),
        ("return util.time.tomorrow();", "unsupported-member"),
        ("return Object.freeze({});", "no-disallowed-methods"),
        ("return Array.from([1]);", "no-disallowed-methods"),
        ("return 'a'.localeCompare('b');", "no-disallowed-methods"),
        ("return 'a'.padStart(3);", "no-disallowed-methods"),
        ("return [1].keys();", "no-disallowed-methods"),
        ("return [2, 1].sort((a, b) => a - b);", "no-function-passing"),
        ("const f = (g) => g; return f(() => 1);", "no-function-passing"),
        ("return () => 1;", "no-function-return"),
        ("const f = () => 1; return f;", "no-function-return"),
        ("const f = () => 1; const g = f;", "no-function-reassign"),
        ("const f = (n) => f(n); return f(1);", "no-recursion"),
        ("ctx = {};", "no-disallowed-re-assignment"),
        ("ctx.args = {};", "no-disallowed-re-assignment"),
    ],
)
def test_refused(body, rule):
    assert rule in {name for _, _, name in found(request(body))}


def test_two_functions_that_call_each_other_are_recursion():
    code = "function a(x) { return b(x); }\nfunction b(x) { return a(x); }\n" + request("return a(1);")
    assert [(line, rule) for line, _, rule in found(code)] == [(1, "no-recursion"), (2, "no-recursion")]


@pytest.mark.parametrize(
    "body",
    [
        "return { operation: 'Invoke', payload: { ...ctx.args } };",
        "for (const key in ctx.args) { ctx.stash[key] = ctx.args[key]; } return null;",
        "for (const one of ctx.args.all ?? []) { if (one?.done) { break; } } return null;",
        "const { id, ...rest } = ctx.args; const [first = 1, ...others] = rest.list; return { id, first, others };",
        "switch (ctx.info.fieldName) { case 'a': return 1; default: return 2; }",
        "return ctx.args.items.map((item) => item.id).filter((id) => id !== null).join(`,${1 + 1}`);",
        "const double = (n) => n * 2; return [1, 2].map((n) => double(n));",
        "const double = (n) => n * 2; return [1, 2].map(double);",
        "return [Object.keys(ctx.args), Object.values(ctx.args), { keys: 1, values: ctx.args.values }.keys];",
        "let total = 0; ctx.args.items.forEach(({ price = 1 }) => { total += price; }); return total;",
        "return Object.entries(ctx.args).reduce((all, [key, value]) => ({ ...all, [key]: value }), {});",
        "delete ctx.args.secret; return typeof ctx.args.a === 'string' ? void 0 : JSON.stringify(ctx.args);",
        "ctx.stash.note = ctx.args; ctx.args.extra = 1; return Number.isNaN(Math.max(1, parseInt('2')));",
        "function local(a) { return a; } return local(util.time.nowISO8601());",
        "const note = { id: 1 }; const name = 'call'; return { [name]: note.id, this: 1, class: note };",
        "if (!ctx.identity) { util.unauthorized(); } return runtime.earlyReturn({});",
        "console.log(ctx.args); console.error('x'); return extensions.setSubscriptionFilter(null);",
    ],
)
def test_accepted(body):
    assert faults(request(body)) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a from 'lodash';", "unsupported-import"),
        ("import { select } from '@aws-appsync/utils/rds';", "unsupported-import"),
        ("import { invokeModel } from '@aws-appsync/utils/ai';", "unsupported-import"),
        ("import { nothing } from '@aws-appsync/utils';", "unsupported-import"),
        ("import utils from '@aws-appsync/utils';", "unsupported-import"),
        ("import * as ddb from '@aws-appsync/utils/dynamodb'; const a = ddb.nothing({});", "unsupported-member"),
        ("export default 1;", "unsupported-export"),
        ("export * from '@aws-appsync/utils';", "unsupported-export"),
        ("return 1;", "syntax"),
    ],
)
def test_refused_at_the_top(code, expected):
    assert expected in {rule for _, _, rule in found(code + "\n" + request("return 1;").split("\n", 1)[1])}


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("export function request(ctx) {\n  return 1 +* 2;\n}" + RESPONSE, (2, 13)),
        ("export function request(ctx) { return [; }" + RESPONSE, (1, 40)),
        ("export function request(ctx) {\n  const a = 1;\n  const a = 2;\n}" + RESPONSE, (3, 11)),
        ("export function request(ctx) {" + RESPONSE, None),
        ("import { util } from '@aws-appsync/utils'; const util = 1;" + RESPONSE, (1, 55)),
        ("export function request(ctx) {\n  return '\0';\n}" + RESPONSE, (2, 11)),
        # It would end the function that the code is put into.
        ("export function request(ctx) {}\n})(); (function () {" + RESPONSE, (2, 1)),
    ],
)
def test_syntax_errors_have_their_place(code, place):
    (fault,) = faults(code)
    assert fault.rule == "syntax"
    assert place is None or (fault.line, fault.column) == place


def test_both_functions_must_be_exported():
    (fault,) = faults("export function request(ctx) { return 1; }")
    assert (fault.rule, "'response'" in fault.message) == ("missing-export", True)
    (fault,) = faults("function request() {}\nexport { request, other as response };")
    assert "exports other, which it does not declare" in fault.message
    assert faults("function request() {}\nfunction response() {}\nexport { request, response };") == []


def test_code_of_more_than_32768_characters_is_refused():
    code = request("return 1;")
    assert faults(code + " " * (32_768 - len(code))) == []
    assert [fault.rule for fault in faults(code.ljust(32_769))] == ["code-size"]


def test_places_count_characters_from_one():
    assert found(request("return new Date();")) == [(3, 14, "unknown-name")]
    assert found(request("return ['é🎉', Date];")) == [(3, 17, "unknown-name")]


def test_deeply_nested_code_is_read():
    assert faults(request(f"return {'[' * 400}{']' * 400};")) == []
