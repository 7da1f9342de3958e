"""Interpreters are found by running them; the packages of Lambda's runtime are installed once for each."""

import subprocess
import sys
from pathlib import Path

import pytest

from blueprints import cache
from blueprints.errors import BlueprintError
from blueprints.packaging import interpreters
from blueprints.packaging.interpreters import Interpreter
from blueprints.packaging.lambda_runtime import has_native_client, runtime_environment

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """A machine that has only the interpreters that a test creates."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("PYENV_ROOT", "XDG_DATA_HOME", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(name, raising=False)
    interpreters._find.cache_clear()
    interpreters.ask.cache_clear()
    yield tmp_path
    interpreters._find.cache_clear()
    interpreters.ask.cache_clear()


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def answering(version: str) -> str:
    return f"""echo '{{"version": "{version}", "platform": "linux-x86_64", "libc": "glibc2.36", "plain": true}}'"""


def test_the_running_version_is_found_and_answers():
    found = interpreters.find(HERE)
    assert found is not None
    assert found.minor == HERE
    asked = subprocess.run(
        [found.path, "-c", "import platform; print(platform.python_version())"], capture_output=True, check=True
    )
    assert asked.stdout.decode().strip() == found.version


def test_this_interpreter_stands_in_for_a_version_that_is_not_found(bare_machine):
    assert interpreters.find("3.99") is None
    stand_in = interpreters.stand_in("3.99")
    assert not stand_in.is_wanted
    assert stand_in.interpreter.path == Path(sys.executable)
    assert "standing in for Python 3.99" in str(stand_in)


def test_a_shim_that_fails_is_ignored(bare_machine):
    script(bare_machine / "bin" / "python3.77", "echo 'pyenv: python3.77: command not found' >&2; exit 127")
    script(bare_machine / "home/.pyenv/versions/3.77.2/bin/python3.77", answering("3.77.2"))
    assert interpreters.find("3.77").version == "3.77.2"
    assert interpreters.stand_in("3.77").is_wanted


def test_pyenv_root_comes_before_the_path_and_the_newest_patch_first(bare_machine, monkeypatch):
    root = bare_machine / "pyenv"
    for patch in ("3.77.9", "3.77.10"):
        script(root / f"versions/{patch}/bin/python3.77", answering(patch))
    script(bare_machine / "bin" / "python3.77", answering("3.77.1"))
    monkeypatch.setenv("PYENV_ROOT", str(root))
    assert interpreters.find("3.77").version == "3.77.10"


def test_pythons_managed_by_uv_are_found_without_asking_uv(bare_machine):
    folder = bare_machine / "home/.local/share/uv/python/cpython-3.77.4-linux-x86_64-gnu/bin"
    script(folder / "python3.77", answering("3.77.4"))
    assert interpreters.find("3.77").path == folder / "python3.77"


@pytest.mark.parametrize(
    "body",
    [
        answering("3.76.0"),
        "echo nonsense",
        """echo '{"version": "3.77.0", "platform": "linux-x86_64", "libc": "", "plain": false}'""",
    ],
    ids=["another version", "no answer", "no regular CPython"],
)
def test_an_interpreter_with_another_answer_is_ignored(bare_machine, body):
    script(bare_machine / "bin" / "python3.77", body)
    assert interpreters.find("3.77") is None


def test_an_interpreter_is_examined_once_per_process(bare_machine):
    counted = bare_machine / "asked"
    script(bare_machine / "bin" / "python3.77", f"echo x >> {counted}; {answering('3.77.1')}")
    for _ in range(3):
        assert interpreters.find("3.77")
    assert counted.read_text() == "x\n"


def test_a_function_can_import_lambdas_packages_and_none_of_the_tools():
    runtime = runtime_environment(interpreters.current())
    seen = subprocess.run(
        [runtime.interpreter.path, "-S", "-c", "import boto3, awslambdaric, dateutil, jmespath; print(boto3.__file__)"],
        env={"PYTHONPATH": str(runtime.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.startswith(str(runtime.path))
    tools = subprocess.run(
        [runtime.interpreter.path, "-S", "-c", "import click"],
        env={"PYTHONPATH": str(runtime.path)},
        capture_output=True,
        check=False,
    )
    assert b"No module named 'click'" in tools.stderr


def test_runtime_packages_have_bytecode_of_their_interpreter():
    runtime = runtime_environment(interpreters.current())
    assert list((runtime.path / "boto3/__pycache__").glob(f"session.cpython-{HERE.replace('.', '')}.pyc"))


def test_runtime_packages_are_installed_once():
    first = runtime_environment(interpreters.current())
    made = first.path.stat().st_ctime_ns
    assert runtime_environment(interpreters.current()) == first
    assert first.path.stat().st_ctime_ns == made


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the compiled client is published for Linux")
def test_native_says_whether_the_compiled_client_exists():
    runtime = runtime_environment(interpreters.current())
    assert bool(list(runtime.path.glob("runtime_client*.so"))) == runtime.native


@pytest.mark.parametrize(
    ("version", "platform", "libc", "native"),
    [
        ("3.13.2", "linux-x86_64", "glibc2.36", True),
        ("3.12.1", "linux-aarch64", "glibc2.34", True),
        ("3.14.0", "linux-x86_64", "glibc2.36", False),
        ("3.13.2", "macosx-14.0-arm64", "", False),
        ("3.13.2", "linux-x86_64", "", False),
    ],
)
def test_the_compiled_client_is_expected_only_where_aws_publishes_it(version, platform, libc, native):
    assert has_native_client(Interpreter(Path("python"), version, platform, libc)) is native


def test_without_a_compiled_client_the_other_packages_are_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path))
    here = interpreters.current()
    elsewhere = Interpreter(here.path, here.version, "macosx-14.0-arm64", "")
    runtime = runtime_environment(elsewhere)
    assert not runtime.native
    assert (runtime.path / "awslambdaric/bootstrap.py").is_file()
    assert not list(runtime.path.rglob("*.so"))


def test_the_cache_folder_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "elsewhere"))
    assert cache.folder("x") == tmp_path / "elsewhere" / "x"
    assert (tmp_path / "elsewhere" / "x").is_dir()


def test_an_entry_that_cannot_be_completed_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path))

    def half(fresh):
        (fresh / "one").write_text("1")
        raise BlueprintError("no more")

    place = cache.folder("things") / "it"
    with pytest.raises(BlueprintError, match="no more"):
        cache.made_once(place, half)
    assert not place.exists()
    assert list(cache.folder("scratch").iterdir()) == []


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "deep" / "file"
    cache.write(path, b"old")
    cache.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in path.parent.iterdir()] == ["file"]
