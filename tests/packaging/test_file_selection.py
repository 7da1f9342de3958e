"""Packages, copies, layers and published versions take the same files of a folder."""

import os
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from blueprints.copying import copy
from blueprints.errors import BlueprintError
from blueprints.packaging.build import build
from blueprints.packaging.file_selection import holds_settings, select
from blueprints.pattern import Pattern
from tests import small_pattern

JUNK = [
    ".env", ".env.production", ".envrc", ".git/config", ".hg/store", ".venv/pyvenv.cfg", "my-python/pyvenv.cfg",
    "my-python/bin/python", ".aws-sam/build.toml", ".vscode/settings.json", ".idea/workspace.xml",
    ".mypy_cache/x.json", ".ruff_cache/x", ".pytest_cache/x", ".hypothesis/x", ".tox/x", ".coverage",
    "node_modules/x/index.js", "__pycache__/x.cpython-313.pyc", "x.pyc", ".DS_Store", "._copy_object.py",
    ".copy_object.py.swp", "copy_object.py~", ".aws/credentials", ".ssh/id_rsa", "cdk.out/x.json", ".terraform/x",
    "deep/down/.env.local", "deep/down/.git/config", "deep/down/.venv/pyvenv.cfg",
]  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """A pattern with its code at the top."""
    folder = small_pattern.write(tmp_path / "small", template=small_pattern.TEMPLATE.replace("src/", "."))
    for path in (folder / "src").iterdir():
        path.rename(folder / path.name)
    (folder / "src").rmdir()
    (folder / "demo.py").unlink()
    return folder


def put(folder, *names, text="x\n"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def packed(folder, **options):
    (package,) = build(Pattern.load(folder), "lambda", **options)
    with zipfile.ZipFile(package.path) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith(".pyc")}


def test_a_package_has_no_files_of_tools_and_no_local_settings(folder):
    put(folder, *JUNK, ".env.example", "environment.py", "build/kept.py")

    assert set(packed(folder)) == {
        "copy_object.py", "template.yaml", ".env.example", "environment.py", "build/kept.py",
    }  # fmt: skip


def test_a_copy_has_no_files_of_tools_and_no_local_settings(folder, tmp_path):
    put(folder, *JUNK, ".env.example", "layers/lib/native.so", "tests/test_it.py")
    put(folder, "ignored/x.py", "kept.txt")
    put(folder, ".gitignore", text="ignored/\n")
    program = folder / "tool.sh"
    put(folder, "tool.sh")
    program.chmod(0o744)

    made = copy(Pattern.load(folder), tmp_path / "copy").folder

    assert {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()} == {
        "copy_object.py", "template.yaml", "requirements.txt", ".gitignore", ".env.example", "kept.txt", "tool.sh",
        "layers/lib/native.so", "tests/test_it.py",
    }  # fmt: skip
    assert {path.name for path in made.rglob("*") if path.is_file() and path.stat().st_mode & 0o111} == {"tool.sh"}


def test_notes_name_files_that_the_user_may_miss(folder):
    put(folder, "native.so", "env/settings.py", "model.bin", "venv/pyvenv.cfg", ".env")
    put(folder, ".gitignore", text="*.bin\n")

    (package,) = build(Pattern.load(folder), "lambda")

    notes = [each for each in package.warnings if "left out" in each]
    assert notes == [
        "CopyObject: left out as local settings: .env.",
        "CopyObject: left out because of .gitignore: model.bin.",
        "CopyObject: left out as sam build does: env, native.so.",
    ]


def test_packages_written_into_the_code_folder_are_not_packaged_by_the_next_build(folder):
    first = packed(folder, output=folder / "packages")
    again = packed(folder, output=folder / "packages")

    assert (folder / "packages/CopyObject.zip").is_file()
    assert again == first


def test_a_copy_with_its_code_at_the_top_keeps_its_wheels_inside_and_out_of_the_package(folder, tmp_path):
    shared = Path(__file__).parents[2] / "shared" / "pyproject.toml"
    version = tomllib.loads(shared.read_text())["project"]["version"]
    put(folder, "requirements.txt", text=f"serverless-blueprints-shared=={version}\n")
    (tmp_path / "elsewhere").mkdir()

    made = copy(Pattern.load(folder), tmp_path / "elsewhere/copy")

    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["copy"]
    assert [path.name for path in (made.folder / "vendor").iterdir()] == [made.vendored]
    inside = packed(made.folder)
    assert "blueprints_shared/settings.py" in inside
    assert not [name for name in inside if name.startswith("vendor")]


def test_code_outside_the_patterns_folder_cannot_be_copied_and_is_named(tmp_path):
    template = small_pattern.TEMPLATE.replace("CodeUri: src/", "CodeUri: ../common/")
    pattern = small_pattern.write(tmp_path / "small", template=template)
    put(tmp_path / "common", "copy_object.py")

    with pytest.raises(BlueprintError, match="The code of CopyObject is outside the pattern's folder"):
        copy(Pattern.load(pattern), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_the_umask_of_a_clone_changes_no_byte(tmp_path, umask):
    digests = set()
    for number, mask in enumerate([0o022, umask]):
        before = os.umask(mask)
        try:
            folder = small_pattern.write(tmp_path / f"clone-{number}")
            put(folder, "src/run.sh", ".idea/only-here.xml" if number else "src/.mypy_cache/x")
        finally:
            os.umask(before)
        (folder / "src/run.sh").chmod(0o777 & ~mask)
        (package,) = build(Pattern.load(folder), "lambda")
        digests.add(package.sha256)
    assert len(digests) == 1


@pytest.mark.skipif(shutil.which("git") is None, reason="makes clones; install git to run this")
def test_two_clones_with_different_untracked_files_give_the_same_bytes(tmp_path, monkeypatch):
    origin = small_pattern.write(tmp_path / "origin")
    put(origin, "src/run.sh", "common/words.py", "src/data.bin")
    put(origin, ".gitignore", text="*.log\n/src/generated/\n")
    (origin / "src/run.sh").chmod(0o775)
    (origin / "src/common").symlink_to("../common")
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "All of it"]):
        subprocess.run(["git", *identity, *command], cwd=origin, check=True)
    digests = set()
    for number, umask in enumerate([0o022, 0o077]):
        clone = tmp_path / f"clone-{number}"
        before = os.umask(umask)
        try:
            subprocess.run(["git", "clone", "-q", origin, clone], check=True)
            litter = ["src/debug.log", "src/generated/x.py", "src/.env", "src/.idea/x", "src/__pycache__/x.pyc"]
            put(clone, *(litter if number else ["src/.vscode/x"]))
        finally:
            os.umask(before)
        monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / f"cache-{number}"))
        (package,) = build(Pattern.load(clone), "lambda")
        digests.add(package.sha256)
    assert len(digests) == 1
    with zipfile.ZipFile(package.path) as file:
        assert {"common/words.py", "run.sh", "data.bin"} <= set(file.namelist())
        assert file.getinfo("run.sh").external_attr >> 16 == 0o100755


# --- links -----------------------------------------------------------------------------------------------------------


def test_the_targets_of_links_are_packaged_and_copied(folder, tmp_path):
    put(tmp_path / "common", "words.py", "deeper/more.py", text="HELLO = 'hello'\n")
    put(tmp_path / "common", ".env", "__pycache__/x.pyc")
    (folder / "common").symlink_to("../common")
    (folder / "alone.py").symlink_to(tmp_path / "common/words.py")
    (folder / "again").symlink_to("common/deeper")

    inside = packed(folder)

    linked = {"common/words.py", "common/deeper/more.py", "alone.py", "again/more.py"}
    assert {name for name, text in inside.items() if text == b"HELLO = 'hello'\n"} == linked
    assert "common/.env" not in inside
    made = copy(Pattern.load(folder), tmp_path / "copy").folder
    assert not [path for path in made.rglob("*") if path.is_symlink()]
    assert (made / "common/words.py").read_text() == "HELLO = 'hello'\n"


@pytest.mark.parametrize(
    ("link", "target", "message"),
    [
        ("gone.py", "nowhere.py", r"gone.py: This symbolic link is broken: it points to nowhere.py"),
        ("self", "self", r"self: This symbolic link is broken: it points to self"),
        ("loop", ".", r"loop: This symbolic link is circular: it points to \."),
        ("deep/loop", "../..", r"deep/loop: This symbolic link is circular"),
        ("deep/up", "..", r"deep/up: This symbolic link is circular"),
    ],
)
def test_a_broken_or_circular_link_is_refused_by_name(folder, link, target, message, tmp_path):
    (folder / "deep").mkdir()
    (folder / link).symlink_to(target)

    with pytest.raises(BlueprintError, match=message) as refused:
        build(Pattern.load(folder), "lambda")
    assert ".gitignore" in refused.value.advice
    with pytest.raises(BlueprintError, match=message):
        copy(Pattern.load(folder), tmp_path / "copy")

    put(folder, ".gitignore", text=f"/{link}\n")
    assert link not in packed(folder)


def test_two_links_that_lead_to_each_other_are_refused(folder):
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    (folder / "a/to-b").symlink_to("../b")
    (folder / "b/to-a").symlink_to("../a")

    with pytest.raises(BlueprintError, match="is circular"):
        select(folder)


def test_a_name_that_is_not_utf_8_is_refused(folder):
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such names")

    with pytest.raises(BlueprintError, match=r"caf.*not UTF-8"):
        select(folder)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything; run as another user")
def test_a_file_that_cannot_be_read_is_named(folder):
    put(folder, "closed.txt")
    (folder / "closed.txt").chmod(0)

    with pytest.raises(BlueprintError, match=r"closed.txt: It can't be read: Permission denied"):
        select(folder)


def test_a_pipe_is_refused_and_never_read(folder):
    os.mkfifo(folder / "pipe")

    with pytest.raises(BlueprintError, match="pipe: This is neither a file nor a folder"):
        select(folder)


def test_a_virtual_environment_does_not_count_as_settings(folder):
    put(folder, ".env/pyvenv.cfg", ".env/bin/python", "env/pyvenv.cfg", "tools/pyvenv.cfg")

    selection = select(folder)

    assert selection.left_out == ()
    assert not [each.name for each in selection.files if "pyvenv" in each.name]


@pytest.mark.parametrize("name", [".env", ".env.local", ".ENV", ".env.prod.json", ".envrc", ".aws", ".ssh"])
def test_settings_are_recognised_by_their_names(name):
    assert holds_settings(name)


@pytest.mark.parametrize("name", [".env.example", ".env.sample", ".env.template", "env.py", ".environment", "x.env"])
def test_examples_of_settings_are_not_settings(name):
    assert not holds_settings(name)
