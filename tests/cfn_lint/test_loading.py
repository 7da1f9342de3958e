"""cfn-lint is loaded without large libraries, and as it is where this package does not know its version."""

import subprocess
import sys
from importlib.metadata import version

from blueprints import cfn_lint
from blueprints.cfn_lint.loading import KNOWN_VERSION


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_installed_version_is_the_known_one():
    """After an update of cfn-lint, compare the replaced functions with it and change KNOWN_VERSION."""
    assert version("cfn-lint") == KNOWN_VERSION


def test_sympy_and_networkx_are_not_imported():
    code = (
        "import sys; from blueprints.cfn_lint import linter; linter(); print({'sympy', 'networkx'} & set(sys.modules))"
    )
    assert run(code) == "set()"


def test_whoever_imports_sympy_and_networkx_later_gets_them():
    code = "from blueprints import cfn_lint; cfn_lint.load(); import sympy, networkx; print(sympy.pi, networkx.Graph())"
    assert run(code) == "pi Graph with 0 nodes and 0 edges"


def test_modules_that_are_imported_already_stay():
    code = (
        "import sys, sympy; from blueprints import cfn_lint; assert cfn_lint.load(); "
        "from cfnlint.conditions import _utils; print(sys.modules['sympy'] is sympy, _utils.Not.__module__)"
    )
    assert run(code) == "True blueprints.cfn_lint.logic"


def test_an_unknown_version_runs_as_it_is(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text("Resources: { Topic: { Type: AWS::SNS::Topic, Properties: { TopicNam: a } } }\n")
    code = f"""
from pathlib import Path
from blueprints.cfn_lint import linter, load, loading
loading.KNOWN_VERSION = "0"
assert not load()
from cfnlint.runner.template import run_template_by_file_path
for match in run_template_by_file_path({str(template)!r}, *linter(), ignore_bad_template=False):
    print(match.rule.id, match.linenumber)
import sys
print("sympy" in sys.modules)
"""
    assert run(code).split() == ["E3002", "1", "True"]


def test_resource_types_and_schemas_are_those_of_cfn_lint():
    cfn_lint.load()
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

    assert sorted(cfn_lint.resource_types()) == sorted(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"))
    for name in ("AWS::SQS::Queue", "AWS::Serverless::Function", "Custom::Thing", "My::Own::Kind::MODULE"):
        expected = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        assert cfn_lint.resource_schema(name) == expected
    for name in ("AWS::SQS::Qeue", "Thing"):
        try:
            PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name)
        except ResourceNotFoundError:
            assert cfn_lint.resource_schema(name) is None
