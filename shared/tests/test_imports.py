"""What importing the package costs is held by what it does not import; time itself is for the benchmarks."""

import subprocess
import sys

import pytest

# Each of these costs a cold start more than everything a handler imports from here together.
HEAVY = ("aws_xray_sdk", "boto3", "msgspec", "pydantic", "pyvips", "s3transfer", "requests")
MODULES = {
    "settings": (*HEAVY, "botocore", "aws_lambda_powertools"),
    "s3_events": (*HEAVY, "botocore", "aws_lambda_powertools", "aws_lambda_powertools.utilities"),
    "observability": HEAVY,
    "clients": (*HEAVY, "aws_lambda_powertools"),
    "streams": (*HEAVY, "botocore", "aws_lambda_powertools", "urllib3"),
    "streams.dynamodb_changes": (*HEAVY, "botocore", "aws_lambda_powertools", "urllib3"),
    "streams.dynamodb_rows": (*HEAVY, "botocore", "aws_lambda_powertools", "urllib3"),
    "deployment_hooks": (*HEAVY, "aws_lambda_powertools"),
    "public_address": (*HEAVY, "botocore", "aws_lambda_powertools", "urllib3"),
    "http_post": (*HEAVY, "botocore", "aws_lambda_powertools"),
    "json_objects": (*sorted({*HEAVY} - {"msgspec"}), "botocore", "aws_lambda_powertools", "urllib3"),
    "images": (*sorted({*HEAVY} - {"pyvips"}), "botocore", "aws_lambda_powertools", "urllib3"),
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_heavy(module):
    """A module of blueprints_shared imports none of the modules named here; import them inside a function instead."""
    program = f"import sys, blueprints_shared.{module}; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(MODULES[module]) & set(imported)
