"""The file system of a function: read-only except for its own /tmp, with /var/task and /opt, without /dev/shm.

Linux gives a process such a view with a mount namespace, without Docker, and without root where user namespaces are
allowed. Where there are none (macOS, many containers, Linux before 5.12), functions see the machine's own files, and
`unavailable` says why. Then environment variables alone point at the package and the layers, which are write-protected;
that binds everybody but root.
"""

import ctypes
import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TASK, RUNTIME, OPT = "/var/task", "/var/runtime", "/opt"
TEMPORARY, HOME = "/tmp", "/home/sbx_user1051"  # noqa: S108 - Lambda's own
SWITCH = "BLUEPRINTS_NO_NAMESPACES"
"""Environment variable: 1 makes functions use the machine's own file system, without mount namespaces."""

MIB = 1024 * 1024
_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_READ_ONLY, _BIND, _RECURSIVE, _PRIVATE, _NO_SUID = 0x1, 0x1000, 0x4000, 0x40000, 0x2
_SET_ATTRIBUTES, _HERE, _AND_BELOW = 442, -100, 0x8000
# These folders are new in the function's view; everything else is the machine's, read-only.
_OWN_FOLDERS = frozenset({"dev", "home", "opt", "tmp", "var"})
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_STREAMS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


@dataclass(frozen=True)
class Sources:
    """The paths of one environment's files on this machine."""

    package: Path
    layers: Path | None
    """The merged layers; None if the function has none."""
    folder: Path
    """The environment's own writable folder, removed with it."""
    runtime: Path | None = None
    """The packages of Lambda's own runtime."""
    needed: tuple[Path, ...] = ()
    """Other paths that the function must see unchanged, such as the interpreter."""
    temporary_mb: int = 512
    """The size of /tmp."""


@dataclass(frozen=True)
class View:
    """The paths that a function sees; `enter` sets up its view in a new process, before its program starts."""

    task: str
    runtime: str
    opt: str
    home: str
    temporary: str
    enter: Callable[[], None] | None = None


def view_of(sources: Sources) -> View:
    """The view for an environment, with Lambda's paths if this machine allows mount namespaces."""
    if protects_packages(sources.needed):
        return View(TASK, RUNTIME, OPT, HOME, TEMPORARY, _Namespace(sources, users=_needs_user_namespace()).enter)
    homes, temporary = sources.folder / "home", sources.folder / "tmp"
    homes.mkdir(mode=0o555)
    temporary.mkdir()
    return View(
        task=str(sources.package),
        runtime=str(sources.runtime or sources.folder / "no-runtime"),
        opt=str(sources.layers or sources.folder / "no-layers"),
        home=str(homes / Path(HOME).name),
        temporary=str(temporary),
    )


def protects_packages(needed: Sequence[Path]) -> bool:
    """Whether functions that need these paths of the machine see their package at /var/task, read-only."""
    return unavailable() is None and not any(_hides(path) for path in needed)


@cache
def unavailable() -> str | None:
    """Why functions cannot have their own view of the file system on this machine; None if they can."""
    if os.environ.get(SWITCH) == "1":
        return f"{SWITCH} is set"
    if not sys.platform.startswith("linux"):
        return "this is not Linux"
    return _refusal(users=False) and _refusal(users=True)


def notes() -> list[str]:
    """A sentence for the user where functions see this machine's own files; else nothing."""
    reason = unavailable()
    if reason is None:
        return []
    writable = "their code, their home and shared memory" if os.getuid() == 0 else "shared memory"
    note = (
        f"Functions use this machine's own files ({reason}): they can write to {writable}, which fails on "
        "Lambda, and have no /opt and no /var/task (docs/embedded-aws.md)"
    )
    return [note]


@cache
def _needs_user_namespace() -> bool:
    return _refusal(users=False) is not None


@cache
def _refusal(*, users: bool) -> str | None:
    """Why a view cannot be made in this way, or None. Makes one to find out, as systems refuse different steps."""
    with tempfile.TemporaryDirectory() as name:
        package = Path(name, "package")
        package.mkdir()
        namespace = _Namespace(Sources(package, None, Path(name)), users=users)

        def enter() -> None:
            namespace.enter()
            _must_be_read_only(f"{TASK}/probe")

        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", ":"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=enter,  # noqa: PLW1509 - touches no lock
            )
        except (OSError, subprocess.SubprocessError):
            return "it allows no user and mount namespaces" if users else "it allows no mount namespaces"
        # Entering succeeded, so do not wait for the end, which takes the kernel ten times as long.
        threading.Thread(target=process.wait, name="view-probe", daemon=True).start()
    return None


def _must_be_read_only(path: str) -> None:
    try:
        os.mkdir(path)  # noqa: PTH102 - between fork and exec as little as can be
    except OSError as error:
        if error.errno == errno.EROFS:
            return
        raise
    raise OSError(errno.ENOTSUP, "it can be written to", path)


def _hides(path: Path) -> bool:
    """Whether the view needs the whole folder, such as /opt if a Python is installed directly in it."""
    return str(path) in (OPT, TEMPORARY)


class _Namespace:
    """Builds a new root from mounts, in the new process. As much as possible is looked up before the fork."""

    def __init__(self, sources: Sources, *, users: bool) -> None:
        """With `users`, the process becomes root in a user namespace of its own, if it is not root outside."""
        self._sources, self._users = sources, users
        self._stage = sources.folder / "root"
        self._links: list[tuple[str, str]] = []
        self._folders: list[str] = []
        self._files: list[str] = []
        self._mounts: list[tuple[bytes, bytes]] = []
        self._stage.mkdir()
        for name, path in _entries("/"):
            if name not in _OWN_FOLDERS:
                self._show(path, f"/{name}")
        for top in ("var", "home"):
            self._folders.append(f"/{top}")
            for name, path in _entries(f"/{top}"):
                if f"/{top}/{name}" not in (TASK, RUNTIME, HOME):
                    self._show(path, f"/{top}/{name}")
        self._folders += [HOME, TEMPORARY, TASK, RUNTIME, "/dev"]
        self._mount(sources.package, TASK)
        if sources.runtime:
            self._mount(sources.runtime, RUNTIME)
        for name in _DEVICES:
            self._show(Path("/dev", name), f"/dev/{name}")
        self._links += [(target, f"/dev/{name}") for name, target in _STREAMS.items()]
        self._show_layers()

    def enter(self) -> None:
        """Enter the function's view. Raises OSError if the system refuses a step."""
        _call("unshare", _NEW_MOUNTS | (_NEW_USERS if self._users else 0))
        if self._users:
            _map_users()
        stage = os.fsencode(self._stage)
        _call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
        _call("mount", b"tmpfs", stage, b"tmpfs", _NO_SUID, b"mode=755,size=1m")
        root = str(self._stage)
        for folder in self._folders:
            os.makedirs(root + folder, exist_ok=True)  # noqa: PTH103
        for file in self._files:
            os.close(os.open(root + file, os.O_CREAT | os.O_WRONLY))
        for target, link in self._links:
            os.symlink(target, root + link)  # noqa: PTH211
        _bind(self._mounts)
        _make_read_only(stage)
        self._mount_temporary(stage)
        os.chroot(root)
        os.chdir(TASK)

    def _show(self, path: Path, place: str) -> None:
        """Add a path of the machine to the view: a link is copied, everything else is mounted."""
        try:
            mode = path.lstat().st_mode
        except OSError:
            return
        if stat.S_ISLNK(mode):
            self._links.append((os.readlink(path), place))  # noqa: PTH115
        else:
            (self._folders if stat.S_ISDIR(mode) else self._files).append(place)
            self._mount(path, place)

    def _mount(self, path: Path, place: str) -> None:
        self._mounts.append((os.fsencode(path), os.fsencode(f"{self._stage}{place}")))

    def _show_layers(self) -> None:
        """Set up /opt: the layers, and the parts of the machine's own /opt that are needed, such as a Python."""
        kept = [needed for needed in self._sources.needed if needed.is_relative_to(OPT)]
        self._folders.append(OPT)
        if self._sources.layers and not kept:
            self._mount(self._sources.layers, OPT)
        elif self._sources.layers:
            for name, path in _entries(str(self._sources.layers)):
                self._show(path, f"{OPT}/{name}")
        for needed in kept:
            self._show(needed, str(needed))

    def _mount_temporary(self, stage: bytes) -> None:
        """Set up an empty /tmp, with the parts of the machine's own that are needed."""
        place = stage + os.fsencode(TEMPORARY)
        if self._sources.temporary_mb * MIB <= _memory() // 4:
            size = b"mode=1777,size=%dm" % self._sources.temporary_mb
            _call("mount", b"tmpfs", place, b"tmpfs", _NO_SUID, size)
        else:
            own = self._sources.folder / "tmp"
            own.mkdir(exist_ok=True)
            _call("mount", os.fsencode(own), place, None, _BIND, None)
        for needed in self._sources.needed:
            if needed.is_relative_to(TEMPORARY):
                own_place = stage + os.fsencode(needed)
                os.makedirs(own_place, exist_ok=True)  # noqa: PTH103
                _bind([(os.fsencode(needed), own_place)])
                _make_read_only(own_place)


def _entries(folder: str) -> Iterator[tuple[str, Path]]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return
    yield from ((name, Path(folder, name)) for name in names)


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _map_users() -> None:
    """Keep the process's user and group inside the user namespace."""
    user, group = os.getuid(), os.getgid()
    for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
            file.write(content)


def _bind(mounts: Sequence[tuple[bytes, bytes]]) -> None:
    for source, place in mounts:
        _call("mount", source, place, None, _BIND | _RECURSIVE, None)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )  # fmt: skip


def _make_read_only(place: bytes) -> None:
    """Make all mounts at and below a path read-only in one call: mount_setattr, since Linux 5.12."""
    attributes = _MountAttributes(set=_READ_ONLY)
    size = ctypes.sizeof(attributes)
    _call(
        "syscall",
        ctypes.c_long(_SET_ATTRIBUTES), ctypes.c_int(_HERE), place, ctypes.c_uint(_AND_BELOW),
        ctypes.byref(attributes), ctypes.c_size_t(size),
    )  # fmt: skip


def _call(name: str, *arguments: object) -> None:
    function = getattr(_libc(), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@cache
def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    texts = [ctypes.c_char_p] * 3
    library.mount.argtypes = [*texts, ctypes.c_ulong, ctypes.c_char_p]
    library.syscall.restype = ctypes.c_long
    return library
