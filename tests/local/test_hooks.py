"""The extensions take hold of the base emulator's internals only where these are what they were written against."""

from importlib.metadata import version

import pytest

from blueprints.local.base.internals import IncompatibleEmulator, Internal, verify
from blueprints.local.server import all_internals


@pytest.mark.parametrize("hook", all_internals(), ids=lambda hook: f"{hook.module}.{hook.name}")
def test_every_internal_is_what_the_extensions_expect(hook):
    assert hook.mismatch() is None


def test_the_emulator_is_the_pinned_one():
    assert version("ministack") == "1.5.33"


@pytest.mark.parametrize(
    ("hook", "complaint"),
    [
        (Internal("services.lambda_svc", "_gone", ()), "_gone is gone"),
        (Internal("services.gone", "anything"), "services.gone.anything is gone"),
        (Internal("services.lambda_svc", "_execute_function", ("event",)), r"takes \(func, event\), not \(event\)"),
        (Internal("services.lambda_svc", "_functions", ()), "is no function any more"),
    ],
)
def test_what_changed_is_named(hook, complaint):
    with pytest.raises(IncompatibleEmulator, match=complaint) as refused:
        verify([*all_internals(), hook])

    assert "ministack 1.5.33" in str(refused.value)
