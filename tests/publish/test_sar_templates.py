"""cfn-lint finds nothing in the templates of sar/. Tests that publish locally deploy the artifact bucket."""

import subprocess
import sys
from pathlib import Path

from blueprints.sar_rules.limits import sar_folder, supported_types


def test_cfn_lint_finds_nothing_in_the_templates():
    templates = sorted(sar_folder().glob("*.yaml"))
    lint = Path(sys.executable).with_name("cfn-lint")

    linted = subprocess.run([lint, "--", *templates], capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout
    assert len(templates) == 3


def test_the_list_of_types_has_a_date():
    """Without a date, the list would seem to be current."""
    first = (sar_folder() / "supported-resource-types.txt").read_text().splitlines()[0]

    assert "Feb 2021" in first
    assert {"AWS::Serverless::Function", "AWS::S3::Bucket"} < supported_types()
    assert all(each.startswith("AWS::") for each in supported_types())
