"""The start fails if an internal of the base emulator is missing or has changed."""

import types
from importlib.metadata import version

import pytest

from blueprints.local import services
from blueprints.local.base.extension import find_extensions
from blueprints.local.base.internals import IncompatibleEmulator, Internal, internals_in, verify

USED = list(dict.fromkeys(internal for each in find_extensions(services) for internal in each.internals))


@pytest.mark.parametrize("internal", USED, ids=lambda internal: f"{internal.module}.{internal.name}")
def test_every_internal_is_what_the_extensions_expect(internal):
    assert internal.mismatch() is None


def test_the_emulator_is_the_pinned_one():
    assert version("ministack") == "1.5.33"


@pytest.mark.parametrize(
    ("internal", "complaint"),
    [
        (Internal("services.lambda_svc", "_gone", ()), "_gone is gone"),
        (Internal("services.gone", "anything"), "services.gone.anything is gone"),
        (Internal("services.lambda_svc", "_execute_function", ("event",)), r"takes \(func, event\), not \(event\)"),
        (Internal("services.lambda_svc", "_functions", ()), "is no function any more"),
    ],
)
def test_a_changed_internal_is_named(internal, complaint):
    with pytest.raises(IncompatibleEmulator, match=complaint) as refused:
        verify([*USED, internal])

    assert "ministack 1.5.33" in str(refused.value)


def test_a_module_that_cannot_be_imported_says_why(monkeypatch):
    def without_library(name):
        raise ModuleNotFoundError("No module named 'library'", name="library")

    library = types.SimpleNamespace(import_module=without_library)
    monkeypatch.setattr("blueprints.local.base.internals.importlib", library)

    assert Internal("services.sqs", "_queues").mismatch() == (
        "ministack.services.sqs cannot be imported: No module named 'library'"
    )


def test_internals_are_found_wherever_a_module_holds_them():
    module = types.ModuleType("holder")
    source = """
ALONE = Internal("a", "1")
SEVERAL = [Internal("a", "2"), (Internal("a", "3"),)]
BY_NAME = {"x": {Internal("a", "4")}}
class Own:
    ATTRIBUTE = Internal("a", "5")
"""
    exec(source, vars(module) | {"Internal": Internal, "__name__": "holder"}, vars(module))

    assert {each.name for each in internals_in(module)} == {"1", "2", "3", "4", "5"}
