"""The advice on a function that does not start, and whether Lambda would fail in the same way."""

import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.deployment import check_functions
from blueprints.local.startup_failures import Facts, advice
from blueprints.packaging.interpreters import StandIn, current
from blueprints.pattern import find
from tests.local.resources import function_resource
from tests.local.sam_folders_up import bring_folder_up

SAME = "It would fail the same way on Lambda."
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: src/, Handler: app.handler, Runtime: python3.11 }
"""


def import_error(what):
    return f"Runtime.ImportModuleError: Unable to import module 'app': {what}"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (import_error("/var/task/x.so: invalid ELF header"), "does not fit this machine"),
        (import_error("libfoo.so.1: cannot open shared object file: No such file"), "does not fit this machine"),
        (import_error("/lib/libc.so.6: version `GLIBC_2.39' not found"), "does not fit this machine"),
        ("OSError: [Errno 8] Exec format error: './tool'", "does not fit this machine"),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'\n  subprocess.py, in _execute_child",
            "program 'ffmpeg' is not on",
        ),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/opt/model.bin'", "its image and the function's"),
        ("EndpointConnectionError: Could not connect to the endpoint URL", "opens a connection"),
        ("gaierror: [Errno -2] Name or service not known", "opens a connection"),
        (
            "ClientError: An error occurred (ParameterNotFound) when calling the GetParameter operation: ",
            "calls GetParameter while it starts",
        ),
        ("Sandbox.Timedout: Task timed out after 10.01 seconds", "longer to start"),
        ("Runtime.ExitError: RequestId: 1 Error: Runtime exited with error: signal: killed", "MemorySize"),
        ("it is a container image; the embedded AWS runs zip packages", "embedded AWS cannot run it"),
    ],
)
def test_failures_caused_by_this_machine_are_not_blamed_on_lambda(error, said):
    told = advice(error, "", Facts())

    assert said in told
    assert SAME not in told


def test_another_python_than_the_function_s_is_named_as_a_reason():
    facts = Facts(python=StandIn(current(), "3.9", is_wanted=False))

    told = advice(import_error("No module named 'distutils'"), "", facts)

    assert "It may work on Lambda" in told
    assert "uv python install 3.9" in told
    assert SAME not in told


def test_another_python_is_not_blamed_for_a_package_that_is_missing(folder):
    python = StandIn(current(), "3.9", is_wanted=False)

    told = advice(import_error("No module named 'yaml'"), "", Facts(folder, find(folder).functions[0], python))

    assert told == "If 'yaml' belongs to a package, add that to src/requirements.txt."


@pytest.mark.parametrize("error", ["KeyError: 'TABLE'", "Runtime.UserCodeSyntaxError: Syntax error in app"])
def test_failures_that_also_happen_on_lambda_say_so(error):
    assert advice(error, "", Facts()).startswith(SAME)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "src/app.py").write_text("import elsewhere\n\ndef handler(event, context):\n    return 1\n")
    return tmp_path


def test_a_module_outside_the_code_folder_is_pointed_at(cloud, folder):
    (folder / "elsewhere.py").write_text("")

    with pytest.raises(BlueprintError, match="does not start") as error:
        bring_folder_up(cloud, folder)
    assert "elsewhere.py lies outside the code folder src/" in error.value.advice


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "add that to src/requirements.txt"),
        ({"requirements.txt": "elsewhere\n"}, "move it into src/"),
        ({"src/requirements.in": "", "src/requirements.txt": ""}, "uv pip compile requirements.in -o requirements.txt"),
    ],
)
def test_a_missing_module_is_looked_for_where_sam_looks(folder, files, said):
    for name, text in files.items():
        (folder / name).write_text(text)
    pattern = find(folder)

    told = advice(import_error("No module named 'elsewhere'"), "", Facts(folder, pattern.functions[0]))

    assert said in told


def test_a_module_missing_from_a_layer_is_not_blamed_on_lambda(folder):
    facts = Facts(folder, find(folder).functions[0], layers=True)

    told = advice(import_error("No module named 'elsewhere'"), "", facts)

    assert "BuildMethod: python3.11" in told
    assert SAME not in told
    assert SAME in advice(import_error("No module named 'elsewhere'"), "", replace(facts, layers=False))


@pytest.mark.parametrize(
    ("made", "said", "same"),
    [
        ("src/.env", "src/.env is left out of packages here", False),
        (".env", ".env lies outside the code folder src/: move it into src/", True),
        ("other", "There is no .env in src/", True),
    ],
)
def test_a_missing_file_is_no_program(tmp_path, made, said, same):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("open('.env')")
    (tmp_path / made).write_text("A=1")
    facts = Facts(top=tmp_path, function=find(str(tmp_path)).functions[0])

    told = advice("FileNotFoundError: [Errno 2] No such file or directory: '.env'", "", facts)

    assert said in told
    assert (SAME in told) is same
    assert "program" not in told


def test_a_failing_function_is_reported_without_waiting_for_the_others(cloud, stack):
    slow = "import time\ntime.sleep(9)\ndef handler(event, context):\n    return 1\n"
    made = stack(
        Broken=function_resource("raise RuntimeError('no ink left')", Timeout=10),
        Slow=function_resource(slow, Timeout=10),
    )
    begun = time.monotonic()

    with pytest.raises(BlueprintError, match=r"Function Broken does not start: .*no ink left"):
        check_functions(cloud, made)

    assert time.monotonic() - begun < 8


def test_functions_start_side_by_side(cloud, stack):
    met = threading.Barrier(2, timeout=8)

    class Meeting(BaseHTTPRequestHandler):
        def do_GET(self):
            met.wait()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Meeting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = (
            "import urllib.request\n"
            f"urllib.request.urlopen('http://127.0.0.1:{server.server_port}')\n"
            "def handler(event, context):\n    return 1\n"
        )
        made = stack(One=function_resource(source, Timeout=10), Other=function_resource(source, Timeout=10))

        started = check_functions(cloud, made)
        server.shutdown()

    assert set(started) == {"One", "Other"}
