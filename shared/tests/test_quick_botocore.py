"""botocore comes in whole, but for its documentation generator, wherever the import happens."""

import subprocess
import sys

import pytest


def output_of(program, *arguments):
    """What a program prints in an interpreter of its own; it fails on warnings of the import too."""
    answer = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert not answer.stderr
    return answer.stdout.split()


def test_the_documentation_generator_is_left_out():
    program = "import sys, blueprints_shared.clients; print(*sys.modules)"
    imported = set(output_of(program))
    assert "botocore.session" in imported
    assert not {name for name in imported if name.startswith("botocore.docs")}
    assert "html.parser" not in imported


def test_it_can_be_imported_afterwards():
    program = """
import blueprints_shared.clients, boto3
from botocore.docs.service import ServiceDocumenter
from botocore.docs.docstring import ClientMethodDocstring
session = boto3.Session(region_name="eu-west-1")
session.resource("s3")
print(ServiceDocumenter.__name__, ClientMethodDocstring.__module__, session.client("s3").put_object.__doc__ == "")
"""
    assert output_of(program) == ["ServiceDocumenter", "botocore.docs.docstring", "True"]


def test_botocore_that_is_there_already_is_taken():
    program = """
import boto3, botocore.session
from blueprints_shared import quick_botocore
print(isinstance(quick_botocore.get_session(), botocore.session.Session))
"""
    assert output_of(program) == ["True"]


def test_a_botocore_that_needs_its_generator_is_imported_whole():
    """Another version may ask its module of docstrings for more than empty ones have."""
    program = """
import importlib, sys
import botocore.exceptions

usual, failed = importlib.import_module, []

def import_module(name, package=None):
    if name == "botocore.session" and "botocore.docs" in sys.modules:
        usual("botocore.client")
        failed.append(name)
        raise AttributeError("no such docstring")
    return usual(name, package)

importlib.import_module = import_module
from blueprints_shared.clients import client
client("sts")
from botocore.exceptions import ClientError
print(failed, "botocore.docs.service" in sys.modules, ClientError is botocore.exceptions.ClientError)
"""
    assert output_of(program.replace('client("sts")', 'client("iam")')) == ["['botocore.session']", "True", "True"]


def test_garbage_is_collected_again():
    program = "import gc, blueprints_shared.clients as c; c.client('iam'); print(gc.isenabled())"
    assert output_of(program) == ["True"]
    assert output_of(program.replace("import gc,", "import gc; gc.disable(); import")) == ["False"]


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults as Linux does")
def test_the_import_costs_the_same_however_deep_in_calls_it_happens():
    """CPython maps and unmaps memory at the edges of its chunks of frames; at an edge, page faults double."""
    program = """
import resource, sys

def deeper(calls):
    if calls:
        return deeper(calls - 1)
    import blueprints_shared.clients

deeper(int(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
    faults = [int(output_of(program, str(calls))[0]) for calls in range(0, 160, 20)]
    assert max(faults) < 1.15 * min(faults)
