"""The import of each pattern's handlers from their packages: most of a cold start's time before the first event.

Each import runs in a new interpreter with what it would find on Lambda: the function's built package and the runtime's
packages, both compiled, the template's environment variables and those that Lambda sets for tracing. The peer is
`boto3.client("s3")`, with which most public handlers begin; the floor is the same client made with botocore.
"""

import os
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Variant
from benchmarks.processes import run_self_measuring
from blueprints.packaging.build import Package, build
from blueprints.packaging.lambda_runtime import RuntimeEnvironment, runtime_environment
from blueprints.pattern import Function, Pattern, discover
from blueprints.template.expansion import expand
from blueprints.template.reading import load

TITLE = "Import of a handler"

_TARGET = 0.85
_ARN = "arn:aws:benchmark"
_TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
_PEER = 'import boto3; boto3.client("s3")'
_FLOOR = 'import botocore.session; botocore.session.get_session().create_client("s3")'
_MEASURE = """
import time
wall, cpu = time.perf_counter(), time.process_time()
{work}
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
import json
print(json.dumps({{"wall": wall, "cpu": cpu}}))
"""


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the import time of every handler module of every pattern."""
    for pattern in discover():
        packages = {package.logical_id: package for package in build(pattern, "host", report=bench.progress)}
        by_module = {function.handler.rpartition(".")[0]: function for function in reversed(pattern.functions)}
        for function in reversed(by_module.values()):
            yield _claim(bench, pattern, function, packages[function.logical_id])


def _claim(bench: Bench, pattern: Pattern, function: Function, package: Package) -> Claim:
    assert package.interpreter
    runtime = runtime_environment(package.interpreter, bench.progress)
    bench.uses("handlers' Python", package.interpreter.version)
    bench.uses("boto3", _version(runtime.path, "boto3"))
    with ExitStack() as stack:
        code = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with zipfile.ZipFile(package.path) as archive:
            archive.extractall(code)
        variables = _environment(pattern, function)
        module = function.handler.rpartition(".")[0].replace("/", ".")
        variants = {
            "peer": _way('boto3.client("s3")', _PEER, code, runtime, variables),
            "ours": _way("ours", f"import {module}", code, runtime, variables),
            "floor": _way("the client alone", _FLOOR, code, runtime, variables),
        }
        named = f"{pattern.name}: {module}, traced"
        timed = bench.measure(named, variants, rounds=3 if bench.quick else 15)
    return Claim(named, timed, target=Target("within", _TARGET))


def _way(name: str, work: str, code: Path, runtime: RuntimeEnvironment, variables: dict[str, str]) -> Variant:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.devnull,
        "PYTHONPATH": f"{code}{os.pathsep}{runtime.path}",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    command: list[str | Path] = [runtime.interpreter.path, "-S", "-c", _MEASURE.format(work=work)]
    return Variant(name, lambda: run_self_measuring(command, env=environment))


def _environment(pattern: Pattern, function: Function) -> dict[str, str]:
    """Return the environment variables of Lambda and of the template, with parameters at their defaults."""
    template = load(pattern.template)
    properties = expand(template)["Resources"][function.logical_id]["Properties"]
    written = properties.get("Environment", {}).get("Variables", {})
    defaults = {name: _default(name, each) for name, each in template.section("Parameters").items()}
    return {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_LAMBDA_FUNCTION_NAME": function.logical_id,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties.get("MemorySize", 128)),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_X_AMZN_TRACE_ID": _TRACE,
        **{name: _text(value, defaults) for name, value in written.items()},
    }


def _default(name: str, parameter: dict[str, Any]) -> str:
    """Return a plausible value for an optional resource, such as the ARN of a database."""
    return str(parameter.get("Default") or (_ARN if name.endswith("Arn") else ""))


def _text(value: Any, defaults: dict[str, Any]) -> str:
    """Resolve a value without deployment: defaults of parameters, false for conditions, logical ids for resources."""
    if isinstance(value, dict):
        function, argument = next(iter(value.items()))
        if function == "Ref":
            return str(defaults.get(argument, argument))
        return _text(argument[-1], defaults) if function == "Fn::If" else _ARN
    return str(value)


def _version(folder: Path, package: str) -> str:
    return next(path.name.split("-")[1].removesuffix(".dist") for path in folder.glob(f"{package}-*.dist-info"))
