"""The fixtures of the pattern's own tests, and a copy of the pattern for the tested version of Glue.

`TESTED_GLUE_VERSION=6.0` tests another version than the template's.
"""

import re
import shutil
from pathlib import Path

import pytest

from blueprints.errors import BlueprintError
from blueprints.packaging.spark import glue_version, spark_environment
from blueprints.pattern import find
from tests.patterns.fixtures import load_fixtures

globals().update(load_fixtures(Path(__file__).parent))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A copy of the pattern whose jobs have the tested version of Glue, in a folder of the same name."""
    from template_facts import tested_glue_version  # the fixtures put its folder on the path

    version = tested_glue_version()
    try:
        spark_environment(glue_version(version))
    except BlueprintError as error:
        pytest.skip(f"Glue jobs do not run on this machine: {error}")
    copy = shutil.copytree(find("glue-data-lake").folder, tmp_path_factory.mktemp("copy") / "glue-data-lake")
    template = copy / "template.yaml"
    text, jobs = re.subn(r"(?<=GlueVersion: )\S+", f'"{version}"', template.read_text())
    assert jobs == 2
    template.write_text(text)
    return copy
