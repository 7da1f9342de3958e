"""Requirements that are not a lock are resolved as by pip, with a note; a lock is used unchanged."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from blueprints.errors import BlueprintError
from blueprints.packaging import resolution
from blueprints.packaging.build import build
from blueprints.packaging.lock import how_to_lock
from tests.test_build import LOCK, make

NOTE = "requirements.txt does not pin every package"
# A build backend that needs nothing: it zips the one module beside it.
BACKEND = """
import os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "{module}-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.write("{module}.py")
        about = "Metadata-Version: 2.1\\nName: {module}\\nVersion: 1.0\\n{needs}"
        wheel.writestr("{module}-1.0.dist-info/METADATA", about)
        wheel.writestr("{module}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: {tag}\\n")
        wheel.writestr("{module}-1.0.dist-info/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "{module}"
version = "1.0"
dependencies = [{dependencies}]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))


def project(folder: Path, module: str, *, needs: str = "", tag: str = "py3-none-any") -> Path:
    """A package's sources in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text("WORD = 'first'\n")
    requires = f"Requires-Dist: {needs}\\n" if needs else ""
    (folder / "backend.py").write_text(BACKEND.format(module=module, tag=tag, needs=requires))
    (folder / "pyproject.toml").write_text(PROJECT.format(module=module, dependencies=f'"{needs}"' if needs else ""))
    return folder


def source_archive(links: Path, module: str, *, tag: str = "py3-none-any") -> None:
    """A package that publishes its source alone, in a folder for --find-links."""
    sources = project(links / "sources", module, tag=tag)
    about = f"Metadata-Version: 2.2\nName: {module}\nVersion: 1.0\n"
    with tarfile.open(links / f"{module}-1.0.tar.gz", "w:gz") as archive:
        for path in sources.iterdir():
            archive.add(path, f"{module}-1.0/{path.name}")
        entry = tarfile.TarInfo(f"{module}-1.0/PKG-INFO")
        entry.size = len(about)
        archive.addfile(entry, io.BytesIO(about.encode()))


def built(folder: Path, requirements: str, target: str = "host"):
    """Names in the package, the text of its modules, and the warnings."""
    package, _ = build(make(folder, requirements=requirements), target, unpinned=True)
    with zipfile.ZipFile(package.path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}, package.warnings


@pytest.mark.parametrize("target", ["host", "lambda"])
def test_open_requirements_are_resolved_with_a_note(tmp_path, target):
    files, warnings = built(tmp_path / "open", "# what it needs\nsix>=1.16  # old\n\nidna<3.11\n", target)

    assert {"six.py", "idna/__init__.py"} <= files.keys()
    assert NOTE in " ".join(warnings)


def test_a_lock_is_used_unchanged_without_a_note(tmp_path):
    _, warnings = built(tmp_path / "locked", LOCK)

    assert NOTE not in " ".join(warnings)


def test_packages_that_pinned_requirements_need_are_added(tmp_path):
    files, warnings = built(tmp_path / "half", "requests==2.32.5\n")

    assert {"requests/__init__.py", "urllib3/__init__.py", "certifi/__init__.py"} <= files.keys()
    assert NOTE in " ".join(warnings)


def test_nested_files_constraints_and_markers_are_respected(tmp_path):
    pattern = make(tmp_path / "nested", requirements="-r more/base.txt\n")
    more = pattern.folder / "src/more"
    more.mkdir()
    (more / "base.txt").write_text("-c limits.txt\nidna\npywin32; sys_platform == 'win32'\n")
    (more / "limits.txt").write_text("idna==3.9\nsix==1.15.0\n")

    package, _ = build(pattern, "host", unpinned=True)

    with zipfile.ZipFile(package.path) as opened:
        assert "idna-3.9.dist-info/METADATA" in opened.namelist()
        assert "six.py" not in opened.namelist()


@pytest.mark.parametrize("line", ["-e ../own", "../own", "own @ ../own"])
def test_a_local_package_is_installed_from_its_current_files(tmp_path, line):
    project(tmp_path / "local/own", "own", needs="six")
    pattern = make(tmp_path / "local/app-1", requirements=f"{line.replace('../', '../../')}\n")

    words = []
    for word in ("first", "second"):
        (tmp_path / "local/own/own.py").write_text(f"WORD = '{word}'\n")
        package, _ = build(pattern, "host", unpinned=True)
        with zipfile.ZipFile(package.path) as opened:
            assert "six.py" in opened.namelist()
            words.append(opened.read("own.py"))

    assert words == [b"WORD = 'first'\n", b"WORD = 'second'\n"]


@pytest.mark.parametrize("target", ["host", "lambda"])
def test_a_package_that_publishes_only_its_source_is_built(tmp_path, target):
    source_archive(tmp_path / "links", "example_of_blueprints")

    files, _ = built(tmp_path / "app", f"--find-links {tmp_path / 'links'}\nexample-of-blueprints\n", target)

    assert files["example_of_blueprints.py"] == b"WORD = 'first'\n"


def test_a_package_whose_source_is_bound_to_this_machine_is_refused_for_lambda(tmp_path):
    source_archive(tmp_path / "links", "bound_by_blueprints", tag="cp311-cp311-linux_x86_64")

    with pytest.raises(
        BlueprintError, match="bound-by-blueprints built from source is tagged cp311-cp311-linux_x86_64"
    ) as error:
        built(tmp_path / "app", f"--find-links {tmp_path / 'links'}\nbound-by-blueprints\n", "lambda")
    assert "another package" in error.value.advice


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        ("pywin32\n", "pywin32"),
        ("-r gone.txt\n", "gone.txt, which does not exist"),
        ("six>=99\n", "six"),
        ("./gone\n", "gone"),
        ("two words\n", "two words"),
    ],
)
def test_an_error_names_the_requirements_that_cannot_be_resolved(tmp_path, requirements, said):
    with pytest.raises(BlueprintError) as error:
        built(tmp_path / "wrong", requirements)

    assert said in str(error.value)
    assert "requirements.txt" in str(error.value)
    assert "scratch" not in str(error.value)


def test_powershells_requirements_are_read(tmp_path):
    pattern = make(tmp_path / "wide")
    (pattern.folder / "src/requirements.txt").write_bytes("six>=1\r\n".encode("utf-16"))

    package, _ = build(pattern, "host", unpinned=True)

    with zipfile.ZipFile(package.path) as opened:
        assert "six.py" in opened.namelist()


def test_a_wrong_hash_is_refused_also_when_the_rest_is_resolved(tmp_path):
    with pytest.raises(BlueprintError) as error:
        built(tmp_path / "forged", f"six==1.17.0 --hash=sha256:{'0' * 64}\nidna\n")

    assert "Hash mismatch" in str(error.value)


def test_the_advice_makes_a_lock(tmp_path):
    pattern = make(tmp_path / "advice", requirements="six>=1\n")
    (pattern.folder / "src/requirements.in").unlink()

    with pytest.raises(BlueprintError) as error:
        build(pattern, "host")

    assert "mv requirements.txt requirements.in && uv pip compile --universal requirements.in" in error.value.advice


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ("six\n", "'uv pip compile --find-links ../vendor --emit-find-links requirements.in -o requirements.txt'"),
        ("--find-links ../vendor\nsix\n", "'uv pip compile --emit-find-links requirements.in -o requirements.txt'"),
    ],
)
def test_the_advice_keeps_the_folders_of_wheels(tmp_path, source, command):
    (tmp_path / "requirements.txt").write_text("--find-links ../vendor\nsix\n")
    (tmp_path / "requirements.in").write_text(source)

    assert how_to_lock(tmp_path / "requirements.txt") == command


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("./my_package-1.0-py3-none-any.whl", "my-package"),
        ("./python-3d-tools-1.0.tar.gz", "python-3d-tools"),
        ("./six-1.17.0.zip", "six"),
    ],
)
def test_the_name_of_an_archives_package_is_in_its_file_name(tmp_path, written, name):
    requirement = resolution._with_absolute_path(f"{written} ; python_version < '4'", tmp_path)

    assert requirement == f"{name} @ {(tmp_path / written).resolve().as_uri()} ; python_version < '4'"


def test_an_archive_whose_file_name_has_no_version_needs_a_name(tmp_path):
    with pytest.raises(BlueprintError, match="is not in the name of") as refused:
        resolution._with_absolute_path("./project-main.zip", tmp_path)

    assert "Write it: 'NAME @ file://" in refused.value.advice
