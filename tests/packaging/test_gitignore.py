"""The .gitignore rules select the same files as git."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.packaging.file_selection import select

FILES = [
    f"{top}{middle}{name}"
    for top in ("", "a/", "b/")
    for middle in ("", "a/", "ab/")
    for name in ("a.py", "b.log", "notes")
]

segments = st.sampled_from(["a", "b", "ab", "*", "**", "a.py", "*.py", "*.log", "?", "[ab]", "notes"])
patterns = st.builds(
    lambda negation, root, parts, folder: negation + root + "/".join(parts) + folder,
    st.sampled_from(["", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(segments, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))


def tree(folder: Path, **ignore: str) -> Path:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    for place, text in ignore.items():
        (folder / place.replace("top", ".") / ".gitignore").write_text(text)
    return folder


def selected(folder: Path, top: Path | None = None) -> set[str]:
    return {each.name for each in select(folder, top).files if not each.name.endswith(".gitignore")}


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git; install git to run this")
@settings(max_examples=40, deadline=None)
@given(st.lists(patterns, min_size=1, max_size=4), st.lists(patterns, max_size=2))
def test_the_files_selected_are_those_that_git_would_add(top, inner):
    with TemporaryDirectory() as name:
        folder = tree(Path(name), top="\n".join(top), a="\n".join(inner))
        git = ("git", "-C", name, "-c", f"core.excludesFile={os.devnull}")
        subprocess.run([*git, "init", "-q"], check=True)
        listed = subprocess.run(
            [*git, "ls-files", "--others", "--exclude-standard"], check=True, capture_output=True, text=True
        ).stdout.split("\n")

        assert selected(folder) == {each for each in listed if each and not each.endswith(".gitignore")}


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("*.log\n", {each for each in FILES if each.endswith(".log")}),
        ("*.log\r\n# a comment\r\n\r\n", {each for each in FILES if each.endswith(".log")}),
        ("\ufeff/a/\n", {each for each in FILES if each.startswith("a/")}),
        ("*\n!*/\n!*.py\n", {each for each in FILES if not each.endswith(".py")}),
        ("a/**/\n", {each for each in FILES if each.startswith(("a/a/", "a/ab/"))}),
        ("b/**\n!b/notes\n", {each for each in FILES if each.startswith("b/")} - {"b/notes"}),
    ],
)
def test_patterns_apply_outside_a_git_repository(tmp_path, text, left_out):
    folder = tree(tmp_path / "folder", top=text)

    assert selected(folder) == set(FILES) - left_out


def test_rules_apply_from_the_repositorys_root_down(tmp_path):
    folder = tree(tmp_path / "checkout/patterns/one/src")
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "checkout/.git").mkdir()
    (tmp_path / "checkout/.gitignore").write_text("*.log\n/notes\n")
    (tmp_path / "checkout/patterns/one/.gitignore").write_text("/src/ab/\n!b.log\n")

    without_root = selected(folder)
    assert without_root == {each for each in FILES if not each.startswith("ab/")}


def test_without_a_repository_rules_apply_from_the_patterns_folder_down(tmp_path):
    folder = tree(tmp_path / "copy/src")
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "copy/.gitignore").write_text("*.log\n")

    assert selected(folder, tmp_path / "copy") == {each for each in FILES if not each.endswith(".log")}


def test_rules_of_a_repository_that_ignores_the_folder_do_not_apply(tmp_path):
    folder = tree(tmp_path / "home/mine/copy/src")
    (tmp_path / "home/.git").mkdir()
    (tmp_path / "home/.gitignore").write_text("*\n")
    (tmp_path / "home/mine/copy/.gitignore").write_text("*.log\n")

    assert selected(folder, tmp_path / "home/mine/copy") == {each for each in FILES if not each.endswith(".log")}
