"""QuickJS contexts with AppSync's runtime: one for each thread, used for one invocation after the other.

What resolvers share in a context is read-only, and each invocation runs the whole code anew, so an invocation sees
nothing of another. A context whose invocation was stopped is thrown away.

QuickJS counts the CPU time of all threads of the process towards a time limit, and a time limit excludes functions that
call back into Python: the whole runtime is JavaScript.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import secrets
import threading
from pathlib import Path
from typing import Any

from blueprints.local.services.appsync.javascript import syntax, time_zones

MEMORY_LIMIT = 128 * 1024 * 1024
FILES = ("builtins", "engine", "time", "dynamodb", "transform", "rds", "general", "modules", "harden")
"""The files of the runtime, in an order in which each finds what it needs when it is loaded."""

FIRST_LINE = 40_000
"""The line where the runtime begins in QuickJS's stack traces. Every script has the same name there, so the line tells
the runtime from the code of a resolver, which has fewer characters than this."""

_per_thread = threading.local()


class Stopped(Exception):
    """Code was stopped, because it took too much time or memory."""


class InvalidCode(Exception):
    """Code has a syntax error; the message has its place, such as `code.js:3:7: SyntaxError: …`."""


class Engine:
    """A context and the code that was compiled in it. Belongs to one thread."""

    def __init__(self) -> None:
        import quickjs

        self._context = quickjs.Context()
        self._context.set_memory_limit(MEMORY_LIMIT)
        self._context.eval(_runtime_source())
        self._functions: dict[str, Any] = {
            name: self._context.get(name) for name in ("evaluate", "compile", "isCompiled", "addZone")
        }
        self._context.eval("freezeRuntime()")

    def run(self, code: str, handler: str, context: str, now_ms: float, seconds: float) -> dict[str, Any]:
        """Run a handler and return what the runtime's `evaluate` answers. Raises `Stopped` and `InvalidCode`."""
        key = hashlib.sha256(code.encode(errors="replace")).hexdigest()
        self._context.set_time_limit(seconds)
        if not self._call("isCompiled", key):
            self._compile(key, code)
        while True:
            answer: dict[str, Any] = json.loads(
                self._call("evaluate", key, handler, context, secrets.token_hex(16), now_ms)
            )
            zone = answer.get("zone")
            if zone is None:
                return _with_columns(answer, code)
            self._call("addZone", zone, json.dumps(time_zones.transitions(zone)))

    def _compile(self, key: str, code: str) -> None:
        import quickjs

        check_syntax(code)
        read = syntax.read(code)
        try:
            self._call("compile", key, read.factory())
        except quickjs.JSException as error:
            raise InvalidCode(_syntax_error_text(str(error), read.columns_before())) from None

    def _call(self, name: str, *arguments: Any) -> Any:
        import quickjs

        try:
            return self._functions[name](*arguments)
        except quickjs.JSException as error:
            if "interrupted" in str(error):
                raise Stopped("The code ran for too long.") from None
            if "out of memory" in str(error):
                raise Stopped("The code used too much memory.") from None
            raise


def run(code: str, handler: str, context: str, *, now_ms: float, seconds: float) -> dict[str, Any]:
    """Run a handler of the code in this thread's engine; see `Engine.run`."""
    engine = getattr(_per_thread, "engine", None)
    if engine is None:
        engine = _per_thread.engine = Engine()
    try:
        answer: dict[str, Any] = engine.run(code, handler, context, now_ms, seconds)
    except BaseException:
        del _per_thread.engine
        raise
    return answer


def check_syntax(code: str) -> None:
    """Compile code as a module of its own, without running any of it. Raises `InvalidCode`."""
    import quickjs

    before_null, null, _ = code.partition("\0")
    if null:  # it would end the text for QuickJS
        line, column = before_null.count("\n") + 1, len(before_null.rpartition("\n")[2]) + 1
        raise InvalidCode(f"code.js:{line}:{column}: SyntaxError: the code has a null character")
    prefix, body = syntax.read(code).module()
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_LIMIT)
    try:
        context.module(prefix + body)
    except quickjs.JSException as error:
        raise InvalidCode(_syntax_error_text(str(error), len(prefix))) from None


def _syntax_error_text(error: str, columns_before: int) -> str:
    """QuickJS's message of a syntax error as AppSync writes it: place in the code, kind, message."""
    message = error.split("\n", 1)[0]
    place = re.search(r"<[^>]+>:(\d+):(\d+)", error)
    if place is None:
        return f"code.js: {message}"
    line, column = int(place[1]), int(place[2])
    return f"code.js:{line}:{max(column - columns_before, 1) if line == 1 else column}: {message}"


def _with_columns(answer: dict[str, Any], code: str) -> dict[str, Any]:
    """Correct the columns of places in the first line, before which `Code.factory` puts text."""
    error = answer.get("error")
    texts = [*answer["logs"], (error or {}).get("message") or ""]
    if not any("code.js:1:" in text for text in texts):
        return answer
    before = syntax.read(code).columns_before()

    def corrected(text: str) -> str:
        return re.sub(r"code\.js:1:(\d+)", lambda place: f"code.js:1:{int(place[1]) - before}", text, count=1)

    answer["logs"] = [corrected(line) for line in answer["logs"]]
    if error is not None and error.get("message"):
        error["message"] = corrected(error["message"])
    return answer


@functools.cache
def _runtime_source() -> str:
    folder = Path(__file__).parent / "runtime"
    sources = "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in FILES)
    return (
        f'{chr(10) * FIRST_LINE}(function(){{"use strict";const FIRST_LINE={FIRST_LINE};{sources}\n'
        "Object.assign(globalThis,{evaluate,compile,isCompiled,addZone,freezeRuntime(){"
        "for(const name of ['evaluate','compile','isCompiled','addZone','freezeRuntime'])delete globalThis[name];"
        "changeBuiltins();harden(MODULES,util,runtime,extensions,consoleOfResolvers);}});})()"
    )
