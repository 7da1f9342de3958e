"""The extensions use the base emulator's internals only where these are what the extensions were written against."""

from importlib.metadata import version

import pytest

from blueprints.local import services
from blueprints.local.base.extension import find_extensions
from blueprints.local.base.internals import IncompatibleEmulator, Internal, verify

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
def test_what_changed_is_named(internal, complaint):
    with pytest.raises(IncompatibleEmulator, match=complaint) as refused:
        verify([*USED, internal])

    assert "ministack 1.5.33" in str(refused.value)
