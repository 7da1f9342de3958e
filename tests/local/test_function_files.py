"""A function's files are at Lambda's paths, with Lambda's permissions."""

import io
import json
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from blueprints.local.base.folders import remove
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.services.lambda_ import file_system
from blueprints.local.services.lambda_.unpacking import lay_over, unpack, write_protect
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from tests import small_pattern
from tests.local.resources import ROLE, function_resource

needs_namespaces = pytest.mark.skipif(
    file_system.unavailable() is not None,
    reason="this machine allows no mount namespaces; Linux 5.12 with user namespaces, or root, lifts this",
)
PROGRAM = "#!/bin/sh\necho hello from $0\n"


def zipped(entries: dict[str, str | bytes], *, programs=(), links=None) -> bytes:
    """A zip file with modes; `links` are symbolic links, name to target."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | (0o755 if name in programs else 0o644)) << 16
            file.writestr(info, content)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(info, target)
    return made.getvalue()


def some_library() -> bytes:
    """A shared library that this machine can load."""
    maps = Path("/proc/self/maps").read_text().splitlines() if Path("/proc/self/maps").exists() else []
    paths = {line.split()[-1] for line in maps if ".so" in line and "/lib" in line and "ld-" not in line}
    if not paths:
        pytest.skip("finds shared libraries by way of /proc; Linux lifts this")
    return min((Path(each) for each in paths), key=lambda each: each.stat().st_size).read_bytes()


def layer(cloud, name, *arguments, **options):
    content = zipped(*arguments, **options)
    published = cloud.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": content})
    return published["LayerVersionArn"]


def packaged_function(cloud, function, entries, **options):
    """A function whose package is a zip file."""
    name = function("def handler(event, context): pass")
    cloud.client("lambda").update_function_code(FunctionName=name, ZipFile=zipped(entries, **options))
    return name


def outcomes(cloud, function, *attempts):
    """Each attempt's errno, or what it came to; attempts are expressions."""
    name = function("""
        import ctypes, errno, multiprocessing, os, pathlib, shutil, subprocess, tempfile
        def tried(attempt):
            try:
                return eval(attempt)
            except OSError as error:
                return errno.errorcode[error.errno]
        def handler(event, context):
            return [tried(each) for each in event]
    """)
    answer = cloud.invoke(name, list(attempts))
    assert not answer.failed, answer.payload
    return answer.payload


def test_a_program_in_a_package_runs(cloud, function):
    handler = """import os, subprocess
def handler(event, context):
    tool = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "tools", "hello.sh")
    return [subprocess.run([each], capture_output=True, text=True).stdout for each in (tool, "tools/hello.sh")]
"""
    entries = {"index.py": handler, "tools/hello.sh": PROGRAM}
    name = packaged_function(cloud, function, entries, programs=["tools/hello.sh"])

    first, relative = cloud.invoke(name, {}).payload

    assert first.startswith("hello from ")
    assert relative == "hello from tools/hello.sh\n"


def test_layers_are_laid_over_each_other_and_their_programs_libraries_and_modules_are_found(cloud, function):
    first = layer(cloud, "first", {
        "bin/hello": PROGRAM, "bin/replaced": "#!/bin/sh\necho first\n", "python/words.py": "WORD = 'first'\n",
        "python/only_first.py": "WORD = 'kept'\n", "python/lib/python3.13/site-packages/deep.py": "WORD = 'deep'\n",
        "lib/libof-a-layer.so.1": some_library(), "data/words.txt": "words",
    }, programs=["bin/hello", "bin/replaced"], links={"bin/alias": "hello"})  # fmt: skip
    second = layer(
        cloud, "second", {"bin/replaced": "#!/bin/sh\necho second\n", "python/words.py": "WORD = 'second'\n"},
        programs=["bin/replaced"],
    )  # fmt: skip
    name = function(
        """
        import ctypes, subprocess, deep, only_first, words
        def run(*command):
            return subprocess.run(command, capture_output=True, text=True).stdout.strip()
        def handler(event, context):
            ctypes.CDLL("libof-a-layer.so.1")
            return [run("hello"), run("alias"), run("replaced"), words.WORD, only_first.WORD, deep.WORD]
        """,
        Layers=[first, second],
    )

    hello, alias, *others = cloud.invoke(name, {}).payload

    assert hello.endswith("/bin/hello")
    assert alias.endswith("/bin/alias")
    assert others == ["second", "second", "kept", "deep"]


@needs_namespaces
def test_lambdas_own_paths_are_there(cloud, function):
    arn = layer(cloud, "paths", {"bin/hello": PROGRAM, "data.txt": "data"}, programs=["bin/hello"])
    name = function(
        """
        import os, pathlib, subprocess, sys
        def handler(event, context):
            return {
                "code": __file__, "folder": os.getcwd(), "root": os.environ["LAMBDA_TASK_ROOT"], "path": sys.path,
                "data": pathlib.Path("/opt/data.txt").read_text(),
                "hello": subprocess.run(["/opt/bin/hello"], capture_output=True, text=True).stdout,
                "opt": os.listdir("/opt"), "tmp": os.listdir("/tmp"), "home": os.path.expanduser("~"),
            }
        """,
        Layers=[arn],
    )

    seen = cloud.invoke(name, {}).payload

    assert (seen["code"], seen["folder"], seen["root"]) == ("/var/task/index.py", "/var/task", "/var/task")
    assert list(dict.fromkeys(seen["path"]))[:4] == [
        "/var/task", "/opt/python/lib/python3.13/site-packages", "/opt/python", "/var/runtime",
    ]  # fmt: skip
    assert (seen["data"], seen["hello"]) == ("data", "hello from /opt/bin/hello\n")
    assert sorted(seen["opt"]) == ["bin", "data.txt"]
    assert seen["tmp"] == []
    assert seen["home"] == "/home/sbx_user1051"


@needs_namespaces
def test_folders_that_are_read_only_on_lambda_are_read_only_here(cloud, function):
    places = [
        "open('cache.json', 'w')", "open('/var/task/x', 'w')", "open('index.py', 'a')", "os.mkdir('/opt/x')",
        "os.remove('/var/task/index.py')", "os.chmod('/var/task/index.py', 0o777)", "open('/var/x', 'w')",
        "open(os.path.expanduser('~/.cache-of-mine'), 'w')", "os.makedirs(os.path.expanduser('~/.cache/deep'))",
        "pathlib.Path.home().joinpath('x').touch()", "open('/etc/x', 'w')", "open('/x', 'w')", "os.mkdir('/usr/x')",
        "open('/var/tmp/x', 'w')", "open('/dev/x', 'w')",
    ]  # fmt: skip

    assert outcomes(cloud, function, *places) == ["EROFS"] * len(places)


@needs_namespaces
def test_shared_memory_is_missing_and_pipes_and_devices_work(cloud, function):
    queue, shared, pipe, null, random = outcomes(
        cloud,
        function,
        "multiprocessing.Queue() and 'made'",
        "open('/dev/shm/x', 'w') and 'written'",
        "[end.close() for end in multiprocessing.Pipe()]",
        "open('/dev/null', 'w').write('x')",
        "len(open('/dev/urandom', 'rb').read(8))",
    )

    assert queue in ("ENOENT", "ENOSYS", "EROFS", "EACCES")
    assert shared in ("ENOENT", "EROFS")
    assert pipe == [None, None]
    assert (null, random) == (1, 8)


@needs_namespaces
def test_tmp_is_private_bounded_and_kept_while_the_environment_is_warm(cloud, function):
    source = """
        import os, tempfile
        def handler(event, context):
            before = os.listdir("/tmp")
            with open("/tmp/mine.txt", "w") as file:
                file.write("x")
            size = os.statvfs("/tmp")
            return {"before": before, "bytes": size.f_blocks * size.f_frsize, "temporary": tempfile.gettempdir()}
    """
    one, other = function(source), function(source, EphemeralStorage={"Size": 600})

    first, again, elsewhere = cloud.invoke(one, {}), cloud.invoke(one, {}), cloud.invoke(other, {})

    assert first.payload == {"before": [], "bytes": 512 << 20, "temporary": "/tmp"}
    assert again.payload["before"] == ["mine.txt"]
    assert elsewhere.payload["before"] == []
    assert elsewhere.payload["bytes"] == 600 << 20
    assert not Path("/tmp/mine.txt").exists()


@needs_namespaces
def test_more_than_tmp_holds_is_refused_as_on_lambda(cloud, function):
    assert outcomes(
        cloud,
        function,
        "os.posix_fallocate(os.open('/tmp/large', os.O_CREAT | os.O_WRONLY), 0, 513 << 20)",
    ) == ["ENOSPC"]


@needs_namespaces
def test_a_template_may_set_paths_of_its_own(cloud, function):
    arn = layer(cloud, "tools", {"mine/words.py": "WORD = 'mine'\n"})
    name = function(
        "import words\ndef handler(event, context): return words.WORD",
        Layers=[arn],
        Environment={"Variables": {"PYTHONPATH": "/opt/mine"}},
    )

    assert cloud.invoke(name, {}).payload == "mine"


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, which root alone can")
@needs_namespaces
def test_a_user_without_rights_gives_functions_the_same_view(tmp_path):
    python = next((each for each in ("/usr/bin/python3", "/usr/local/bin/python3") if os.access(each, os.X_OK)), None)
    if python is None:
        pytest.skip("there is no Python that every user may run; install python3 to lift this")
    module = tmp_path / "file_system.py"
    shutil.copyfile(file_system.__file__, module)
    script = """
import subprocess, sys, tempfile
from pathlib import Path
sys.path.insert(0, ".")
import file_system as f
if f.unavailable():
    sys.exit(f"skip {f.unavailable()}")
folder = Path(tempfile.mkdtemp(dir="."))
folder = folder.resolve()
(folder / "package").mkdir()
view = f.view_of(f.Sources(folder / "package", None, folder))
command = "pwd; touch x; touch /tmp/y && ls /tmp; touch ~/z; ls /dev/shm; id -u"
ended = subprocess.run(["/bin/sh", "-c", command], preexec_fn=view.enter, capture_output=True, text=True,
                       env={"HOME": view.home, "PATH": "/usr/bin:/bin"})
print(ended.stdout, ended.stderr)
"""
    for parent in (tmp_path, *tmp_path.parents):
        if parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)
    tmp_path.chmod(0o777)
    module.chmod(0o644)
    ended = subprocess.run(
        [python, "-I", "-c", script.replace('"."', repr(str(tmp_path)))], cwd=tmp_path, user=65534, group=65534,
        extra_groups=[], env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    if ended.stderr.startswith("skip"):
        pytest.skip(f"users other than root get no view here: {ended.stderr}")
    assert ended.stdout.split()[:2] == ["/var/task", "y"], ended.stderr
    assert "65534" in ended.stdout
    assert ended.stdout.count("Read-only file system") == 2
    assert "'/dev/shm': No such file or directory" in ended.stdout


# --- where a machine allows no namespaces ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain_cloud():
    """An embedded AWS that does without namespaces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(file_system.SWITCH, "1")
        with Cloud(time_scale=3000) as running:
            yield running


def test_without_namespaces_modules_are_still_found_and_a_note_is_shown(plain_cloud, tmp_path):
    handler = """
        import os, subprocess

        def handler(event, context):
            tool = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "tools", "hello.sh")
            return subprocess.run([tool], capture_output=True, text=True, check=True).stdout, os.environ["HOME"]
    """
    folder = small_pattern.write(tmp_path / "small", handler=handler)
    (folder / "src/tools").mkdir()
    (folder / "src/tools/hello.sh").write_text(PROGRAM)
    (folder / "src/tools/hello.sh").chmod(0o755)
    progress = Progress()
    stack = bring_up(plain_cloud, prepare(Pattern.load(folder), progress), progress)
    function = stack.of_type("AWS::Lambda::Function")[0].physical_id

    said, home = plain_cloud.invoke(function, {}).payload

    assert said.startswith("hello from ")
    assert not Path(home).exists()
    (note,) = [note for step in progress.done for note in step.notes if "own files" in note]
    assert "/opt" in note
    assert ("their code" in note) == (os.getuid() == 0)


def test_without_namespaces_layers_are_found_by_variables_and_home_and_code_are_protected(plain_cloud):
    arn = layer(plain_cloud, "tools", {"bin/hello": PROGRAM, "python/words.py": "WORD = 1\n"}, programs=["bin/hello"])
    resources = function_resource(
        """
        import os, subprocess, tempfile, words
        def handler(event, context):
            modes = [os.stat(each).st_mode & 0o222 for each in (".", "index.py", words.__file__)]
            said = subprocess.run(["hello"], capture_output=True, text=True).stdout
            home = os.path.expanduser("~")
            with tempfile.TemporaryFile() as file:
                file.write(b"x")
            return modes, said, os.path.exists(home), os.stat(os.path.dirname(home)).st_mode & 0o222
        """,
        Layers=[arn],
    )
    body = json.dumps(
        {"Resources": {"Role": ROLE, "Function": resources}, "Outputs": {"F": {"Value": {"Ref": "Function"}}}}
    )
    name = deploy(plain_cloud, "without-namespaces", body).outputs["F"]

    modes, said, home_exists, homes = plain_cloud.invoke(name, {}).payload

    assert modes == [0, 0, 0]
    assert said.startswith("hello from ")
    assert (home_exists, homes) == (False, 0)


def test_write_protected_files_can_be_removed(tmp_path):
    (tmp_path / "code/deep").mkdir(parents=True)
    (tmp_path / "code/deep/file").write_text("x")
    write_protect(tmp_path / "code")

    assert (tmp_path / "code/deep").stat().st_mode & 0o222 == 0
    remove(tmp_path / "code")

    assert not (tmp_path / "code").exists()


@needs_namespaces
def test_files_that_an_environment_needs_below_tmp_stay(tmp_path):
    """Such as a Python in a virtual environment there, while all else of the machine's /tmp is out of sight."""
    if not tmp_path.is_relative_to("/tmp"):
        pytest.skip("the tests' temporary folder is not below /tmp")
    for name in ("package", "needed", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    view = file_system.view_of(
        file_system.Sources(tmp_path / "package", None, tmp_path, needed=(tmp_path / "needed",), temporary_mb=1 << 30)
    )

    command = f"cat {tmp_path}/*/file; touch /tmp/x {tmp_path}/needed/x; ls {tmp_path}"
    ended = subprocess.run(
        ["/bin/sh", "-c", command], preexec_fn=view.enter, capture_output=True, text=True, check=False
    )

    assert ended.stdout == "neededneeded\n"
    assert "needed/x': Read-only file system" in ended.stderr
    assert [path.name for path in (tmp_path / "tmp").iterdir() if path.is_file()] == ["x"]


def test_unpacking_keeps_modes_and_links_and_writes_nothing_outside(tmp_path):
    archive = zipped(
        {"run": PROGRAM, "data": "x", "folder/inner": "x", "../outside": "x", "a/file": "mine"},
        programs=["run"],
        links={"alias": "folder", "a": "../elsewhere", "deep/link": "../data"},
    )
    (tmp_path / "elsewhere").mkdir()

    unpack(io.BytesIO(archive), tmp_path / "made")

    made = tmp_path / "made"
    assert made.joinpath("run").stat().st_mode & 0o777 == 0o755
    assert made.joinpath("data").stat().st_mode & 0o777 == 0o644
    assert made.joinpath("alias/inner").read_text() == "x"
    assert made.joinpath("deep/link").read_text() == "x"
    assert made.joinpath("a/file").read_text() == "mine"
    assert not made.joinpath("a").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "made"]


def test_a_zip_file_without_modes_can_be_read(tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        info = zipfile.ZipInfo("folder/data")
        info.create_system, info.external_attr = 0, 0x20
        file.writestr(info, "x")
        hidden = zipfile.ZipInfo("private")
        hidden.external_attr = (stat.S_IFREG | 0o600) << 16
        file.writestr(hidden, "x")

    unpack(archive, tmp_path / "made")

    assert (tmp_path / "made/folder/data").stat().st_mode & 0o444 == 0o444
    assert (tmp_path / "made/private").stat().st_mode & 0o777 == 0o644


def test_of_the_same_file_the_last_layers_stands_whatever_kind_it_is(tmp_path):
    layers = [tmp_path / name for name in ("one", "two")]
    for layer_folder in layers:
        for name in ("same", f"only-{layer_folder.name}"):
            (layer_folder / "python").mkdir(parents=True, exist_ok=True)
            (layer_folder / "python" / name).write_text(layer_folder.name)
    (layers[0] / "file-then-folder").write_text("one")
    (layers[1] / "file-then-folder").mkdir()
    (layers[1] / "file-then-folder/inner").write_text("two")
    (layers[0] / "folder-then-file").mkdir()
    (layers[0] / "folder-then-file/inner").write_text("one")
    (layers[1] / "folder-then-file").write_text("two")
    (layers[0] / "link").symlink_to("python")
    (layers[1] / "link").mkdir()
    (layers[1] / "link/inner").write_text("two")

    lay_over(layers, tmp_path / "opt")

    found = {
        path.relative_to(tmp_path / "opt").as_posix(): path.read_text()
        for path in (tmp_path / "opt").rglob("*")
        if path.is_file()
    }
    assert found == {
        "python/same": "two", "python/only-one": "one", "python/only-two": "two", "file-then-folder/inner": "two",
        "folder-then-file": "two", "link/inner": "two",
    }  # fmt: skip
    assert (layers[0] / "python/same").read_text() == "one"
    assert not (layers[0] / "python/inner").exists()
