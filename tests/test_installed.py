"""The tools as a person installs them: from a wheel, outside any checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The `blueprints` command of a fresh environment that holds nothing but the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("installed")

    def run(*command):
        subprocess.run([uv.find_uv_bin(), *command], cwd=folder, check=True, capture_output=True)

    run("build", "--wheel", "--out-dir", folder / "wheels", ROOT)
    run("venv", "--python", sys.executable, folder / "venv")
    run("export", "--project", ROOT, "--no-dev", "--frozen", "--no-emit-workspace", "-o", folder / "locked.txt")
    (wheel,) = (folder / "wheels").glob("serverless_blueprints-*.whl")
    run("pip", "install", "--python", folder / "venv", "--no-deps", "-r", folder / "locked.txt", wheel)
    return folder / "venv" / "bin" / "blueprints"


def test_a_plain_installation_lists_and_runs_the_patterns(installed, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))}

    def blueprints(*arguments):
        return subprocess.run(
            [installed, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=False, text=True
        )

    listed = json.loads(blueprints("list", "--json").stdout)
    assert "s3-image-processing" in [each["name"] for each in listed["patterns"]]

    played = blueprints("run", "s3-image-processing", "--json")
    assert played.returncode == 0, played.stderr
    assert all(Path(file).is_relative_to(tmp_path) for file in json.loads(played.stdout)["files"])


def test_an_installation_runs_javascript_resolvers_and_has_the_pages_of_patterns(installed):
    code = "export function request(ctx) { return util.urlEncode(ctx.args.text); }"
    script = f"""if True:
        from blueprints import pattern, web_page
        from blueprints.local.services.appsync.javascript import evaluate, faults
        print(evaluate({code!r}, "request", {{"arguments": {{"text": "a b"}}}}).result)
        print([fault.rule for fault in faults({code!r})])
        print(web_page.folder_of(pattern.find("appsync-mobile")).name)
    """
    command = [installed.with_name("python"), "-I", "-c", script]
    answer = subprocess.run(command, capture_output=True, check=False, text=True)
    assert answer.stdout.split("\n") == ["a+b", "['missing-export']", "web", ""], answer.stderr
