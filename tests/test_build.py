"""Packages contain exactly the locked packages and the code folder; the same sources give the same bytes."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints import cache
from blueprints.errors import BlueprintError
from blueprints.packaging import archive, binaries, interpreters, lock, shared_wheel, source_wheels, targets
from blueprints.packaging import build as builder
from blueprints.packaging.build import build
from blueprints.packaging.interpreters import Interpreter
from blueprints.pattern import Pattern

HERE = interpreters.current()
LOCK = "six==1.17.0\nidna==3.10\n"
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{Runtime: python{python}, Architectures: [arm64]}}
Resources:
  RenderImage:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: src/, Handler: render_image.handler}}
  CheckImage:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: src/, Handler: render_image.check}}
"""
HANDLER = "import six\n\ndef handler(event, context):\n    return {'a', 'b', 'c', 'd'}\n"


def make(folder: Path, *, requirements: str = LOCK, python: str = HERE.minor) -> Pattern:
    (folder / "src/images").mkdir(parents=True)
    (folder / "template.yaml").write_text(TEMPLATE.format(python=python))
    (folder / "src/render_image.py").write_text(HANDLER)
    (folder / "src/images/sizes.py").write_text("SIZES = {'small', 'medium', 'large'}\n")
    (folder / "src/requirements.in").write_text("six\n")
    (folder / "src/requirements.txt").write_text(requirements)
    return Pattern.load(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Each test starts with an empty cache of ours; uv's downloads are shared."""
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pattern(tmp_path):
    return make(tmp_path / "s3-images")


def names(package) -> set[str]:
    with zipfile.ZipFile(package.path) as file:
        assert file.testzip() is None
        return set(file.namelist())


def run_in(package, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs code as the embedded AWS does: with the package, and without the packages of anything else."""
    with zipfile.ZipFile(package.path) as file:
        file.extractall(folder)
    command = [package.interpreter.path, "-S", "-B", "-c", code]
    return subprocess.run(
        command, env={"PYTHONPATH": str(folder)}, cwd=folder, capture_output=True, text=True, check=False
    )


# --- what is in a package --------------------------------------------------------------------------------------------


def test_a_package_contains_only_the_code_the_locked_packages_and_their_bytecode(pattern):
    (pattern.folder / "src/__pycache__").mkdir()
    (pattern.folder / "src/__pycache__/stale.cpython-39.pyc").write_bytes(b"old")
    package, _ = build(pattern, "host")
    inside = names(package)
    tag = HERE.minor.replace(".", "")
    assert {"render_image.py", f"__pycache__/render_image.cpython-{tag}.pyc", "images/sizes.py", "six.py"} <= inside
    assert f"idna/__pycache__/core.cpython-{tag}.pyc" in inside
    unwanted = (
        "requirements",
        "RECORD",
        "INSTALLER",
        "REQUESTED",
        "WHEEL",
        "direct_url",
        "uv_",
        ".lock",
        "bin/",
        "stale",
    )
    assert [name for name in inside if any(part in name for part in unwanted)] == []


def test_the_manifest_names_the_content_and_the_tools(pattern):
    package, _ = build(pattern, "lambda")
    about = json.loads(package.manifest.read_text())
    assert about["sha256"] == package.sha256
    assert (
        about["unzipped"] == package.unzipped == sum(info.file_size for info in zipfile.ZipFile(package.path).filelist)
    )
    assert about["interpreter"].startswith(f"cp{HERE.minor}.")
    assert {"uv", "zlib", "lock", "platform"} <= set(about)


def test_a_handler_runs_from_its_package_and_finds_only_locked_packages(pattern, tmp_path):
    package, _ = build(pattern, "host")
    ran = run_in(package, tmp_path / "task", "import render_image; print(len(render_image.handler(1, 2)))")
    assert ran.stdout.strip() == "4", ran.stderr
    missing = run_in(package, tmp_path / "task", "import boto3")
    assert "No module named 'boto3'" in missing.stderr


def test_tracebacks_name_files_in_var_task(pattern, tmp_path):
    package, _ = build(pattern, "host")
    ran = run_in(package, tmp_path / "task", "import render_image; print(render_image.handler.__code__.co_filename)")
    assert ran.stdout.strip() == str(tmp_path / "task/render_image.py")


def test_python_does_not_check_bytecode_against_its_source(pattern):
    package, _ = build(pattern, "lambda")
    with zipfile.ZipFile(package.path) as file:
        (name,) = [each for each in file.namelist() if each.startswith("__pycache__/render_image")]
        flags = int.from_bytes(file.read(name)[4:8], "little")
    assert flags == 0b01, "hash-based and unchecked"


def test_functions_of_the_same_code_are_built_once(pattern):
    said = []
    render, check = build(pattern, "host", report=said.append)
    assert (render.logical_id, check.logical_id) == ("RenderImage", "CheckImage")
    assert render.path == check.path
    assert sum("packaging" in line for line in said) == 1


def test_packages_are_written_to_the_output_folder(pattern, tmp_path):
    packages = build(pattern, "lambda", output=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "CheckImage.json", "CheckImage.zip", "RenderImage.json", "RenderImage.zip",
    ]  # fmt: skip
    assert packages[0].path.read_bytes() == packages[1].path.read_bytes()


def test_the_package_of_a_function_without_requirements_is_its_code(tmp_path):
    pattern = make(tmp_path / "bare")
    (pattern.folder / "src/requirements.txt").unlink()
    package, _ = build(Pattern.load(pattern.folder), "host")
    assert {name for name in names(package) if not name.endswith(".pyc")} == {"render_image.py", "images/sizes.py"}


def test_entries_have_one_of_two_modes_and_the_same_time(pattern):
    program = pattern.folder / "src/tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    package, _ = build(pattern, "host")
    with zipfile.ZipFile(package.path) as file:
        assert file.namelist() == sorted(file.namelist())
        assert {info.date_time for info in file.filelist} == {(1980, 1, 1, 0, 0, 0)}
        modes = {info.filename: info.external_attr >> 16 for info in file.filelist}
    assert modes.pop("tool") == 0o100755
    assert set(modes.values()) == {0o100644}


# --- the same bytes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["host", "lambda"])
def test_the_same_sources_in_another_folder_on_another_day_give_the_same_bytes(tmp_path, monkeypatch, target):
    digests = set()
    for number, folder in enumerate(["here", "much/deeper/elsewhere"]):
        pattern = make(tmp_path / folder)
        for path in pattern.folder.rglob("*"):
            os.utime(path, (1_000_000_000 + number * 86_400,) * 2)
        monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / f"cache-{number}"))
        monkeypatch.setenv("PYTHONHASHSEED", str(number + 1))
        package, _ = build(pattern, target)
        assert not package.reused
        digests.add(package.sha256)
    assert len(digests) == 1


def test_a_rebuild_of_a_changed_handler_equals_a_build_with_an_empty_cache(pattern, tmp_path, monkeypatch):
    build(pattern, "lambda")
    (pattern.folder / "src/render_image.py").write_text(HANDLER + "# changed\n")
    changed, _ = build(pattern, "lambda")
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "empty"))
    fresh, _ = build(pattern, "lambda")
    assert not changed.reused
    assert changed.sha256 == fresh.sha256


def test_a_second_build_does_nothing(pattern):
    first, _ = build(pattern, "host")
    said = []
    again, _ = build(pattern, "host", report=said.append)
    assert again.reused
    assert said == []
    assert (again.sha256, again.path) == (first.sha256, first.path)
    assert again.path.stat().st_mtime_ns == first.path.stat().st_mtime_ns


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "src/render_image.py").write_text(HANDLER + "\n"),
        lambda folder: (folder / "src/render_image.py").rename(folder / "src/renders.py"),
        lambda folder: (folder / "src/render_image.py").chmod(0o755),
        lambda folder: (folder / "src/requirements.txt").write_text("six==1.17.0\n"),
        lambda folder: (folder / "src/new.json").write_text("{}"),
    ],
    ids=["content", "name", "mode", "lock", "new file"],
)
def test_every_change_of_the_sources_gives_another_package(pattern, change):
    before, _ = build(pattern, "host")
    change(pattern.folder)
    after, _ = build(Pattern.load(pattern.folder), "host")
    assert after.sha256 != before.sha256


def test_a_file_that_is_not_packaged_changes_nothing(pattern):
    before, _ = build(pattern, "host")
    (pattern.folder / "src/requirements.in").write_text("six\nidna\n")
    (pattern.folder / "src/requirements.txt").write_text("# a comment\n" + LOCK)
    after, _ = build(pattern, "host")
    assert after.reused
    assert after.sha256 == before.sha256


# --- the cache -------------------------------------------------------------------------------------------------------

BUILD = """
    import os, signal, sys
    from pathlib import Path
    from blueprints.packaging.build import build
    from blueprints.pattern import Pattern

    def said(line):
        if len(sys.argv) > 2 and line.startswith(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

    print(build(Pattern.load(Path(sys.argv[1])), "host", report=said)[0].sha256)
"""


def start(pattern: Pattern, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(BUILD), str(pattern.folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("moment", ["packaging", "compiling"])
def test_a_build_that_is_killed_leaves_a_usable_cache(pattern, moment):
    with start(pattern, moment) as killed:
        assert killed.wait() == -9
    package, _ = build(pattern, "host")
    assert "six.py" in names(package)


def test_builds_at_the_same_time_give_the_same_package(pattern):
    processes = [start(pattern) for _ in range(3)]
    digests = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert digests == {build(pattern, "host")[0].sha256}
    assert build(pattern, "host")[0].reused


def test_unused_entries_are_deleted_after_a_day_except_the_newest(tmp_path):
    place = cache.folder("things")
    for age in range(5):
        path = place / f"{age}-days"
        path.mkdir()
        os.utime(path, (path.stat().st_mtime - age * 86_401,) * 2)
    cache.keep_newest(place, 3)
    assert sorted(path.name for path in place.iterdir()) == ["0-days", "1-days", "2-days"]
    cache.keep_newest(place, 0)
    assert [path.name for path in place.iterdir()] == ["0-days"], "what was used today may be in use"


# --- targets ---------------------------------------------------------------------------------------------------------


def test_without_lambdas_python_a_warning_says_that_there_is_no_bytecode(pattern, monkeypatch):
    monkeypatch.setattr(targets, "find", lambda version: None)
    package, _ = build(pattern, "lambda")
    assert package.interpreter is None
    assert "WITHOUT bytecode" in package.warnings[0]
    assert f"uv python install {HERE.minor}" in package.warnings[0]
    assert [name for name in names(package) if name.endswith(".pyc")] == []
    assert json.loads(package.manifest.read_text())["bytecode"] is False


def test_a_warning_says_that_another_python_stands_in(tmp_path):
    package, _ = build(make(tmp_path / "future", python="3.99"), "host")
    assert package.interpreter == HERE
    assert f"Python {HERE.version}" in package.warnings[0]
    assert "standing in for Python 3.99" in package.warnings[0]


def test_a_runtime_that_is_not_python_is_refused(tmp_path):
    pattern = make(tmp_path / "js")
    text = (pattern.template).read_text().replace(f"python{HERE.minor}", "nodejs24.x")
    pattern.template.write_text(text)
    with pytest.raises(BlueprintError, match=r"nodejs24\.x") as error:
        build(Pattern.load(pattern.folder), "host")
    assert error.value.where.endswith("template.yaml:5")


@pytest.mark.parametrize(
    ("python", "architecture", "platform"),
    [
        ("python3.13", "arm64", "aarch64-manylinux_2_28"),
        ("python3.12", "x86_64", "x86_64-manylinux_2_28"),
        ("python3.11", "arm64", "aarch64-manylinux_2_17"),
    ],
)
def test_the_platform_is_that_of_the_runtimes_operating_system(pattern, python, architecture, platform):
    function = replace(pattern.functions[0], runtime=python, architecture=architecture)
    assert targets.resolve(pattern, function, "lambda").platform == platform


def library(folder: Path, name: str, machine: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + bytes(40))


@pytest.mark.parametrize(
    ("name", "machine", "said"),
    [
        ("fast.abi3.so", 0xB7, None),
        ("fast.cpython-313-aarch64-linux-gnu.so", 0xB7, None),
        ("libfast.so.4.2", 0xB7, None),
        ("fast.abi3.so", 0x3E, "built for x86_64, not aarch64"),
        ("libfast.so.4.2", 0x3E, "built for x86_64, not aarch64"),
        ("fast.cpython-312-aarch64-linux-gnu.so", 0xB7, "built for Python 3.12, not 3.13"),
        ("fast.cpython-313t-aarch64-linux-gnu.so", 0xB7, "built for Python 3.13t, not 3.13"),
    ],
)
def test_a_library_that_the_target_cannot_load_is_found(tmp_path, name, machine, said):
    library(tmp_path / "site", name, machine)
    target = targets.Target("lambda", "3.13", "aarch64", "aarch64-manylinux_2_28", None, ())
    assert binaries.misfits(tmp_path / "site", target) == ([f"{name}: {said}"] if said else [])


def test_a_library_of_another_system_is_found(tmp_path):
    (tmp_path / "fast.so").write_bytes(b"\xcf\xfa\xed\xfe" + bytes(40))
    target = targets.Target("lambda", "3.13", "aarch64", "aarch64-manylinux_2_28", None, ())
    assert binaries.misfits(tmp_path, target) == ["fast.so: not a Linux library"]


# --- locks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("six==1.17.0\nidna\n", 2, "'idna' is not pinned"),
        ("idna>=3\n", 1, "'idna>=3' is not pinned"),
        ("idna==3.*\n", 1, r"'idna==3\.\*' is not pinned"),
        (
            "six==1.17.0 \\\n    --hash=sha256:00\n-r other.txt\n",
            3,
            "refers to another file, so the lock is not complete",
        ),
        ("-e ../shared\n", 1, "refers to another file, so the lock is not complete"),
    ],
)
def test_requirements_that_are_not_pinned_are_refused(tmp_path, text, line, said):
    with pytest.raises(BlueprintError, match=said) as error:
        build(make(tmp_path / "open", requirements=text), "host")
    assert error.value.where.endswith(f"requirements.txt:{line}")
    assert "uv pip compile requirements.in -o requirements.txt" in error.value.advice


def test_a_warning_names_packages_that_the_lock_lacks(tmp_path):
    pattern = make(tmp_path / "lacking", requirements="cffi==2.1.1\nsix==1.17.0\n")
    for _ in range(2):
        package, _ = build(pattern, "lambda")
        (warning,) = package.warnings
        assert "RenderImage: requirements.txt lacks pycparser, which packages in it need" in warning
    assert package.reused


def test_packages_of_lambdas_runtime_need_no_lock(tmp_path):
    assert build(make(tmp_path / "p", requirements="python-dateutil==2.9.0.post0\n"), "host")[0].warnings == ()


def test_a_wrong_hash_is_refused(tmp_path):
    requirements = f"six==1.17.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(BlueprintError, match=r"could not install") as error:
        build(make(tmp_path / "forged", requirements=requirements), "host")
    assert "Hash mismatch" in str(error.value)


def test_without_network_and_cache_the_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_FIND_LINKS", "")
    with pytest.raises(BlueprintError) as error:
        build(make(tmp_path / "lonely", requirements="six==1.17.0\n"), "host")
    assert "six is not in the download cache, and the package index cannot be reached." in error.value.what
    assert "Connect to the network once" in error.value.advice
    assert list(cache.folder("packages").iterdir()) == []


def test_cached_packages_are_built_without_network(pattern, monkeypatch):
    build(pattern, "host")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("BLUEPRINTS_CACHE", os.environ["BLUEPRINTS_CACHE"] + "-2")
    assert not build(pattern, "host")[0].reused


def test_a_package_that_is_too_large_for_lambda_is_refused(pattern, monkeypatch):
    monkeypatch.setattr(builder, "UNZIPPED_LIMIT", 50_000)
    with pytest.raises(BlueprintError) as error:
        build(pattern, "lambda")
    assert "RenderImage is" in str(error.value)
    assert "The largest are idna" in error.value.advice
    assert list(cache.folder("packages").iterdir()) == []


def test_code_that_is_not_python_is_refused(pattern):
    (pattern.folder / "src/render_image.py").write_text("def handler(:\n")
    with pytest.raises(BlueprintError, match=r"render_image\.py"):
        build(pattern, "host")


# --- the shared package ----------------------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path, monkeypatch):
    source = tmp_path / "shared"
    (source / "blueprints_shared").mkdir(parents=True)
    (source / "blueprints_shared/__init__.py").write_text("ANSWER = 41\n")
    (source / "pyproject.toml").write_text(
        '[project]\nname = "serverless-blueprints-shared"\nversion = "0.4.2"\nrequires-python = ">=3.11"\n'
        '[build-system]\nrequires = ["hatchling>=1.27"]\nbuild-backend = "hatchling.build"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["blueprints_shared"]\n'
    )
    monkeypatch.setattr(shared_wheel, "_source", lambda: source)
    return source


SHARED_LOCK = "six==1.17.0\nserverless-blueprints-shared==0.4.2\n"
ASK = "import blueprints_shared; print(blueprints_shared.ANSWER)"


def test_the_shared_package_is_built_from_its_current_sources(tmp_path, shared):
    pattern = make(tmp_path / "user", requirements=SHARED_LOCK)
    first, _ = build(pattern, "host")
    assert run_in(first, tmp_path / "one", ASK).stdout.strip() == "41"
    (shared / "blueprints_shared/__init__.py").write_text("ANSWER = 42\n")
    second, _ = build(pattern, "host")
    assert run_in(second, tmp_path / "two", ASK).stdout.strip() == "42", "same version, new content"


def test_the_shared_wheel_is_the_same_from_any_folder(tmp_path, shared):
    first = shared_wheel.build(shared).read_bytes()
    copy = tmp_path / "much/deeper/shared"
    shutil.copytree(shared, copy)
    (copy / "tests").mkdir()
    os.environ["BLUEPRINTS_CACHE"] += "-other"
    assert shared_wheel.build(copy).read_bytes() == first


def test_a_copy_uses_the_wheel_in_its_vendor_folder(tmp_path, shared, monkeypatch):
    requirements = "--find-links ../vendor\n" + SHARED_LOCK
    pattern = make(tmp_path / "copy", requirements=requirements)
    (pattern.folder / "vendor").mkdir()
    shutil.copy(shared_wheel.build(shared), pattern.folder / "vendor")
    monkeypatch.setattr(shared_wheel, "_source", lambda: None)
    monkeypatch.chdir(tmp_path)
    package, _ = build(pattern, "lambda")
    assert "blueprints_shared/__init__.py" in names(package)
    (pattern.folder / "vendor").rename(pattern.folder / "vendors")
    (pattern.folder / "src/requirements.txt").write_text(requirements.replace("vendor", "vendors"))
    assert build(pattern, "lambda")[0].sha256 == package.sha256, "where the wheel lies does not count"


def test_a_lock_with_another_version_of_the_shared_package_is_refused(tmp_path, shared):
    requirements = SHARED_LOCK.replace("0.4.2", "0.5.0")
    with pytest.raises(
        BlueprintError, match=r"names serverless-blueprints-shared==0\.5\.0, but shared/ is version 0\.4\.2"
    ):
        build(make(tmp_path / "ahead", requirements=requirements), "host")


def test_locks_read_continuations_comments_and_markers(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(
        "# made by uv\n--index-url https://example.test/simple\nSix==1.17.0 ; python_version > '3.8' \\\n"
        "    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via x\nruamel.yaml[jinja2]==0.18 # why\n\n"
    )
    found = lock.read(path)
    assert found.names() == {"six", "ruamel-yaml"}
    assert found.options == ("--index-url https://example.test/simple",)
    assert dict(found.requirements)["six"].endswith("--hash=sha256:aa --hash=sha256:bb")


# --- pyvips ----------------------------------------------------------------------------------------------------------

IMAGES_LOCK = "pyvips==3.2.0\npyvips-binary==8.18.7\ncffi==2.1.1\npycparser==3.12\n"


def test_images_are_built_for_this_machine_and_for_lambda(tmp_path):
    pattern = make(tmp_path / "images", requirements=IMAGES_LOCK, python="3.13")
    host, _ = build(pattern, "host")
    code = "import pyvips; print(pyvips.__version__, pyvips.Image.black(8, 6).width, pyvips.version(0))"
    ran = run_in(host, tmp_path / "task", code)
    assert ran.stdout.split() == ["3.2.0", "8", "8"], ran.stderr
    remote, _ = build(pattern, "lambda")
    libraries = [name for name in names(remote) if ".so" in name]
    assert any(name.startswith("_libvips") for name in libraries)
    assert any("cpython-313-aarch64" in name for name in libraries)
    assert remote.unzipped < builder.UNZIPPED_LIMIT / 5


def test_a_wheel_for_a_newer_operating_system_is_refused(tmp_path):
    """Python 3.11 runs on Amazon Linux 2, which is older than what pyvips-binary is built for."""
    pattern = make(tmp_path / "images", requirements="pyvips-binary==8.18.7\n", python="3.11")
    with pytest.raises(BlueprintError, match=r"Python 3\.11 on aarch64-manylinux_2_17.*pyvips-binary==8\.18\.7"):
        build(pattern, "lambda")


def test_pyvips_bound_to_this_machine_is_refused(tmp_path, monkeypatch):
    caches = []

    def installs_a_platform_wheel(lock, name, into, report, environment):
        caches.append(environment.get("UV_CACHE_DIR"))
        wheel = into / "pyvips-3.2.0.dist-info/WHEEL"
        wheel.parent.mkdir(exist_ok=True)
        wheel.write_text("Wheel-Version: 1.0\nTag: cp313-cp313-linux_x86_64\n")

    monkeypatch.setattr(source_wheels, "_install", installs_a_platform_wheel)
    with pytest.raises(BlueprintError, match="tagged cp313-cp313-linux_x86_64, not py3-none-any"):
        build(make(tmp_path / "images", requirements=IMAGES_LOCK), "lambda")
    assert caches[0] is None
    assert caches[1], "what uv had built before is not believed: it is built again in a cache of its own"


# --- archives --------------------------------------------------------------------------------------------------------

FILES = st.dictionaries(
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0/\\", exclude_categories=["Cc"]), min_size=1, max_size=20
    ),
    st.tuples(st.binary(max_size=3000), st.booleans()),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(FILES)
def test_archives_are_zip_files_that_can_be_read_back(files):
    entries = [archive.entry(name, content, program=program) for name, (content, program) in files.items()]
    data = archive.write(entries)
    assert archive.write(archive.read(data)) == data
    assert archive.write(reversed(entries)) == data
    import io

    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert {name: file.read(name) for name in file.namelist()} == {name: files[name][0] for name in files}
        assert {info.filename for info in file.filelist if info.external_attr >> 16 & 0o100} == {
            name for name, (_, program) in files.items() if program
        }


def test_a_host_that_is_not_linux_is_not_checked_for_linux_libraries(pattern, monkeypatch):
    mac = Interpreter(HERE.path, HERE.version, "macosx-14.0-arm64", "")
    monkeypatch.setattr(targets, "stand_in", lambda version: interpreters.StandIn(mac, version, is_wanted=True))
    target = targets.resolve(pattern, pattern.functions[0], "host")
    assert (target.machine, target.platform) == ("", None)
