"""The templates in sar/ stand up to cfn-lint; the artifact bucket is deployed wherever a test publishes locally."""

import subprocess
import sys
from pathlib import Path

from blueprints.sar_rules.limits import sar_folder, supported_types


def test_the_templates_are_clean():
    templates = sorted(sar_folder().glob("*.yaml"))
    lint = Path(sys.executable).with_name("cfn-lint")

    linted = subprocess.run([lint, "--", *templates], capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout
    assert len(templates) == 3


def test_the_list_of_types_is_dated_and_holds_types():
    """A list without its date would be taken for today's."""
    first = (sar_folder() / "supported-resource-types.txt").read_text().splitlines()[0]

    assert "Feb 2021" in first
    assert {"AWS::Serverless::Function", "AWS::S3::Bucket"} < supported_types()
    assert all(each.startswith("AWS::") for each in supported_types())
