"""The source URL of a version: with the commit if that is certain, and always with the digest."""

import subprocess

import pytest

from blueprints.publish.provenance import digest_in, source_url

URL = "https://github.com/somebody/greetings"
DIGEST = "a" * 64


@pytest.fixture
def git(tmp_path):
    """A repository with one commit, and a pattern in it."""
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]

    def run(*arguments):
        done = subprocess.run(["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    folder = tmp_path / "patterns" / "greeting"
    folder.mkdir(parents=True)
    (folder / "template.yaml").write_text("Resources: {}\n")
    run("init", "-q")
    run("add", ".")
    run("commit", "-q", "-m", "x")
    run.folder = folder
    return run


@pytest.mark.parametrize("remote", [None, "git@github.com:somebody/greetings.git", f"{URL}.git"])
def test_the_source_url_names_the_commit(git, remote):
    if remote:
        git("remote", "add", "origin", remote)

    url = source_url(URL, git.folder, DIGEST)

    assert url == f"{URL}/tree/{git('rev-parse', 'HEAD')}/patterns/greeting#sha256-{DIGEST}"
    assert digest_in(url) == DIGEST


def test_the_source_url_of_a_changed_folder_names_no_commit(git):
    (git.folder / "template.yaml").write_text("Resources: {A: {}}\n")

    assert source_url(URL, git.folder, DIGEST) == f"{URL}#sha256-{DIGEST}"


def test_a_copy_in_another_repository_does_not_name_commits_of_the_first(git):
    git("remote", "add", "origin", "https://github.com/another/one.git")

    assert source_url(URL, git.folder, DIGEST) == f"{URL}#sha256-{DIGEST}"


@pytest.mark.parametrize("written", ["https://example.com/source", "https://github.com/somebody/greetings/tree/main/x"])
def test_a_url_of_another_form_stays_unchanged(git, written):
    assert source_url(written, git.folder, DIGEST) == f"{written}#sha256-{DIGEST}"


def test_a_url_of_another_tool_has_no_digest():
    assert digest_in("https://github.com/somebody/greetings#readme") is None
    assert digest_in(None) is None
