"""Evaluation of APPSYNC_JS code: results, errors, isolation and limits."""

import threading

import pytest

from blueprints.local.services.appsync.javascript import Evaluation, EvaluationFailed, evaluate

CONTEXT = {"arguments": {"id": "n1"}, "info": {"fieldName": "getNote", "parentTypeName": "Query"}}


def code(body: str, before: str = "") -> str:
    return (
        "import { util, runtime, extensions } from '@aws-appsync/utils';\n"
        f"{before}\nexport function request(ctx) {{\n{body}\n}}\n"
        "export function response(ctx) { return ctx.result; }\n"
    )


def run(body: str, context: dict = CONTEXT, before: str = "", **options) -> Evaluation:
    return evaluate(code(body, before), "request", context, **options)


def failure(body: str, context: dict = CONTEXT, **options) -> EvaluationFailed:
    with pytest.raises(EvaluationFailed) as caught:
        run(body, context, **options)
    return caught.value


class TestResults:
    def test_request_returns_json(self):
        assert run("return { operation: 'Invoke', payload: ctx.args.id };").result == {
            "operation": "Invoke",
            "payload": "n1",
        }

    def test_response_sees_the_result(self):
        assert evaluate(code("return {};"), "response", {"result": {"a": [1, None]}}).result == {"a": [1, None]}

    def test_undefined_is_null_and_undefined_members_are_left_out(self):
        assert run("return;").result is None
        assert run("return { a: undefined, b: null };").result == {"b": None}

    def test_args_and_arguments_are_one_object(self):
        assert run("ctx.args.extra = 1; return ctx.arguments;").result == {"id": "n1", "extra": 1}

    def test_members_that_are_not_given_are_undefined(self):
        assert run("return typeof ctx.prev;").result == "undefined"

    def test_environment(self):
        assert run("return ctx.env.TABLE;", environment={"TABLE": "notes"}).result == "notes"

    def test_stash_changes_are_returned(self):
        assert run("ctx.stash.seen = true; return 1;", {"stash": {"a": 1}}).stash == {"a": 1, "seen": True}

    @pytest.mark.parametrize(
        "source",
        [
            "export const request = (ctx) => ctx.args.id; export const response = () => {};",
            "function handle(ctx) { return ctx.args.id }\nexport { handle as request, handle as response };",
            (
                "import * as utils from '@aws-appsync/utils';\n"
                "export function request(ctx) { return utils.util.urlEncode(ctx.args.id) }"
            ),
            (
                "import {\n  util as u\n} from '@aws-appsync/utils';\n"
                "export function request(ctx) { return u.urlDecode(ctx.args.id) }"
            ),
            "export function request(ctx) { return util.urlEncode(ctx.args.id) }",
        ],
    )
    def test_forms_of_exports_and_imports(self, source):
        assert evaluate(source, "request", CONTEXT).result == "n1"

    @pytest.mark.parametrize("text", ["grüße", "日本語", "🎉", "\ud800", "\x00", "\u2028", '"\\'])
    def test_text_passes_unchanged(self, text):
        assert run(
            "return [ctx.args.t, Object.keys(ctx.args.o)[0]];", {"arguments": {"t": text, "o": {text: 1}}}
        ).result == [
            text,
            text,
        ]

    @pytest.mark.parametrize(
        ("given", "returned"),
        [
            (1.0, 1),
            (1.5, 1.5),
            (-0.0, 0),
            (2**53, 2**53),
            (12345678901234567890, 12345678901234567000),
            (1e300, 1e300),
        ],
    )
    def test_numbers_are_those_of_javascript(self, given, returned):
        result = run("return ctx.args.n;", {"arguments": {"n": given}}).result
        assert result == returned
        assert isinstance(result, type(returned))

    def test_nan_and_infinity_are_null(self):
        assert run("return [NaN, Infinity];").result == [None, None]

    def test_logs_name_level_place_and_values(self):
        evaluation = run("console.log('id', ctx.args);\nconsole.error(1, undefined);\nreturn null;")
        info, error = evaluation.logs
        assert info.startswith("INFO - code.js:4:")
        assert info.endswith(': "id" {"id":"n1"}')
        assert error.startswith("ERROR - code.js:5:")
        assert error.endswith(": 1 undefined")


class TestErrors:
    def test_util_error_carries_type_data_and_info(self):
        error = failure("util.error('Not now', 'Busy', { id: 1 }, { retry: true });")
        assert (error.message, error.error_type, error.data, error.error_info) == (
            "Not now",
            "Busy",
            {"id": 1},
            {"retry": True},
        )

    def test_unauthorized_names_the_field(self):
        error = failure("util.unauthorized();")
        assert (error.message, error.error_type) == ("Not Authorized to access getNote on type Query", "Unauthorized")

    def test_appended_errors_do_not_stop_the_code(self):
        evaluation = run("util.appendError('one', 'T', 1, 2); util.appendError('two'); return 3;")
        assert evaluation.result == 3
        assert [(one.message, one.error_type, one.data, one.error_info) for one in evaluation.errors] == [
            ("one", "T", 1, 2),
            ("two", None, None, None),
        ]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("return ctx.missing.member;", "TypeError: cannot read property 'member' of undefined"),
            ("return nowhere;", "ReferenceError: nowhere is not defined"),
        ],
    )
    def test_an_error_in_the_code_has_its_place(self, body, message):
        error = failure(f"const a = 1;\n{body}")
        assert error.error_type == "Code"
        assert error.message.startswith("code.js:5:")
        assert error.message.endswith(message)

    def test_place_in_the_first_line_counts_from_its_start(self):
        with pytest.raises(EvaluationFailed) as caught:
            evaluate(
                "import { util } from '@aws-appsync/utils'; export function request(ctx) { return nope }", "request", {}
            )
        assert caught.value.message == "code.js:1:82: ReferenceError: nope is not defined"

    def test_syntax_error(self):
        with pytest.raises(EvaluationFailed) as caught:
            evaluate("export function request(ctx) {\n  return 1 +* 2;\n}", "request", {})
        assert caught.value.message.startswith("code.js:2:13: SyntaxError")

    def test_missing_function(self):
        with pytest.raises(EvaluationFailed) as caught:
            evaluate("export function request() {}", "response", {})
        assert "does not export a function 'response'" in caught.value.message

    def test_a_failed_function_keeps_its_logs_and_errors(self):
        evaluation = failure("console.log('before'); util.appendError('a'); util.error('b');").evaluation
        assert len(evaluation.logs) == 1
        assert [one.message for one in evaluation.errors] == ["a"]

    @pytest.mark.parametrize("value", ["10n", "(() => { const a = {}; a.a = a; return a; })()"])
    def test_a_result_that_is_no_json(self, value):
        assert failure(f"return {value};").error_type == "Code"


class TestEffects:
    def test_early_return(self):
        evaluation = run("runtime.earlyReturn({ a: 1 }, { skipTo: 'END' }); return 2;")
        assert (evaluation.result, evaluation.early_return, evaluation.skip_to) == ({"a": 1}, True, "END")
        assert not run("return 1;").early_return

    def test_extensions(self):
        evaluation = run(
            "extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ a: { eq: 1 } }));"
            "extensions.setSubscriptionInvalidationFilter({ filterGroup: [] });"
            "extensions.invalidateSubscriptions({ subscriptionField: 'onNote', payload: { a: 1 } });"
            "extensions.evictFromApiCache('Query', 'note', { 'ctx.args.id': 1 }); return null;"
        )
        assert evaluation.subscription_filter == {
            "filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq", "value": 1}]}]
        }
        assert evaluation.invalidation_filter == {"filterGroup": []}
        assert evaluation.invalidations == ({"subscriptionField": "onNote", "payload": {"a": 1}},)
        assert evaluation.evictions == ({"typeName": "Query", "fieldName": "note", "keys": {"ctx.args.id": 1}},)

    def test_response_headers(self):
        body = "util.http.addResponseHeader('Items', 7); util.http.addResponseHeaders({ b: { c: 1 } }); return null;"
        assert run(body).response_headers == {"items": "7", "b": '{"c":1}'}
        assert failure("util.http.addResponseHeader('x-amz-a', 1);").error_type == "BadRequestException"
        assert failure("util.http.addResponseHeader('a', ''.padEnd(5000, 'x'));").error_type == "BadRequestException"


class TestIsolation:
    def test_variables_of_the_code_are_new_in_each_invocation(self):
        before = "const seen = []; let count = 0;"
        body = "seen.push(ctx.args.id); count += 1; return [seen, count];"
        assert [run(body, before=before).result for _ in range(2)] == [[["n1"], 1]] * 2

    @pytest.mark.parametrize(
        "pollution",
        [
            "Object.prototype.leaked = 1",
            "Array.prototype.leaked = 1",
            "[].constructor.prototype.map = 1",
            "util.leaked = 1",
            "util.time.nowISO8601 = 1",
            "extensions.leaked = 1",
            "JSON.stringify = 1",
            "Math.leaked = 1",
            "ctx.constructor.constructor('return this')().leaked = 1",
            "leaked = 1",
            "''.matchAll('').constructor.leaked = 1",
            "Object.getPrototypeOf([].values()).next = 1",
            "util.error.leaked = 1",
        ],
    )
    def test_what_invocations_share_cannot_be_changed(self, pollution):
        assert failure(f"{pollution}; return 1;").error_type == "Code"
        assert run("return [{}.leaked, util.leaked, typeof leaked, [1].map((x) => x), JSON.stringify(1)];").result == [
            None,
            None,
            "undefined",
            [1],
            "1",
        ]

    def test_own_properties_may_have_the_names_of_inherited_ones(self):
        body = "const o = {}; o.toString = 1; o.constructor = 2; o[ctx.args.id] = 3; return o;"
        assert run(body, {"arguments": {"id": "valueOf"}}).result == {"toString": 1, "constructor": 2, "valueOf": 3}

    def test_effects_stay_in_their_invocation(self):
        run(
            "ctx.stash.a = 1; util.appendError('x'); console.log('x'); util.http.addResponseHeader('a', 'b'); return 1;"
        )
        after = run("return 2;")
        assert (after.stash, after.errors, after.logs, after.response_headers) == ({}, (), (), {})

    def test_threads_evaluate_at_the_same_time(self):
        results: dict[int, list[int]] = {}

        def work(number: int) -> None:
            results[number] = [run("return ctx.args.n;", {"arguments": {"n": number}}).result for _ in range(20)]

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == {number: [number] * 20 for number in range(4)}


class TestLimits:
    @pytest.mark.parametrize("body", ["while (true) {}", "[...Array(1e9).keys()].map((x) => x);"])
    def test_code_that_runs_for_too_long_or_takes_too_much_memory_is_stopped(self, body):
        error = failure(body, time_limit=0.3)
        assert error.error_type == "Code"
        assert run("return 'after';").result == "after"

    def test_recursion_ends_in_an_error(self):
        assert "call stack" in failure("const f = () => f(); return f();").message

    def test_a_big_result_is_refused(self):
        assert run("return ''.padEnd(1000000, 'x');").result == "x" * 1_000_000
        error = failure("return ''.padEnd(6000000, 'x');")
        assert error.error_type == "Code"
        assert "5 MB" in error.message

    def test_more_codes_than_are_kept_compiled(self):
        numbers = [evaluate(f"export function request() {{ return {n} }}", "request", {}).result for n in range(300)]
        assert numbers == list(range(300))
        assert evaluate("export function request() { return 0 }", "request", {}).result == 0
