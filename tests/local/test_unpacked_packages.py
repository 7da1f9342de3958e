"""The cache unpacks a package once, and removes it only when no embedded AWS uses it."""

import os
import subprocess
import sys
import threading
import time

import pytest

from blueprints.local.services.lambda_ import unpacked_packages
from blueprints.local.services.lambda_.unpacked_packages import shared_package


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """An empty cache, in which nothing is in use; the folder of packages."""
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path))
    monkeypatch.setattr(unpacked_packages, "_in_use", {})
    yield tmp_path / "unpacked-packages"
    release()


def release():
    for handle in unpacked_packages._in_use.values():
        os.close(handle)
    unpacked_packages._in_use.clear()


def filled(name):
    return shared_package(name, lambda fresh: (fresh / "handler.py").write_text(name))


def names(packages):
    return sorted(each.name for each in packages.iterdir())


def make_old(path):
    os.utime(path, (time.time() - 7200,) * 2)


def test_threads_get_one_folder_that_is_made_once(packages):
    made, found = [], []

    def make(fresh):
        made.append(1)
        time.sleep(0.02)
        (fresh / "handler.py").write_text("1")

    threads = [threading.Thread(target=lambda: found.append(shared_package("a", make))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert found == [packages / "a"] * 4
    assert len(made) == 1
    assert (packages / "a" / "handler.py").read_text() == "1"


def test_a_failed_unpacking_keeps_no_files(packages):
    def fail(fresh):
        (fresh / "half").write_text("1")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        shared_package("a", fail)

    assert not (packages / "a").exists()
    assert (filled("a") / "handler.py").read_text() == "a"


def test_old_packages_go_when_there_are_many(packages, monkeypatch):
    monkeypatch.setattr(unpacked_packages, "_MOST", 2)
    for name in ("old", "older", "oldest"):
        filled(name)
    release()
    for name in ("old", "older", "oldest"):
        make_old(packages / name)

    filled("new")

    assert "new" in names(packages)
    assert len(names(packages)) == 2


def test_a_package_that_another_process_uses_stays(packages, monkeypatch):
    monkeypatch.setattr(unpacked_packages, "_MOST", 0)
    program = (
        "from blueprints.local.services.lambda_.unpacked_packages import shared_package\n"
        "shared_package('used', lambda fresh: (fresh / 'handler.py').write_text('used'))\n"
        "print('in use', flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout.readline() == "in use\n"
        make_old(packages / "used")
        filled("first")
        assert (packages / "used" / "handler.py").read_text() == "used"
        user.stdin.close()
        user.wait()

    make_old(packages / "used")
    filled("second")

    assert names(packages) == ["first", "second"]
