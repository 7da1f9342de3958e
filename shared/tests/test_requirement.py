"""A package that is missing or too old is named at import, with the line of requirements.in that installs it."""

import subprocess
import sys

import pytest


def import_error(program):
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    return ran.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("module", "package", "line"),
    [
        ("images", "pyvips", "pyvips[binary]"),
        ("json_objects", "msgspec", "msgspec"),
        ("json_schema", "msgspec", "msgspec"),
        ("http_post", "urllib3", "urllib3>=2"),
    ],
)
def test_a_missing_package_is_named_with_its_requirement(module, package, line):
    error = import_error(f"import sys; sys.modules[{package!r}] = None; import blueprints_shared.{module}")
    assert error.startswith("ModuleNotFoundError: ")
    assert package in error
    assert f"write {line} in requirements.in" in error


def test_the_runtimes_old_urllib3_is_refused_at_import():
    error = import_error("import urllib3; urllib3.__version__ = '1.26.19'; import blueprints_shared.http_post")
    assert "urllib3 1.26.19 is too old; write urllib3>=2 in requirements.in" in error
